import type { Logger } from '../contracts/logger.ts';

/** Closes what has been opened, the last first. All are closed, whichever fails; rejects with the first failure. */
export async function closeInReverse(opened: (() => Promise<void>)[], logger: Logger): Promise<void> {
  const failures: unknown[] = [];
  for (let close = opened.pop(); close !== undefined; close = opened.pop()) {
    try {
      await close();
    } catch (error) {
      logger.error({ err: error }, 'a part could not be closed; the others are');
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
