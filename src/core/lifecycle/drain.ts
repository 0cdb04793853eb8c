import { setTimeout as delay } from 'node:timers/promises';
import { ERROR_CODES } from '../../protocol/error-codes.ts';
import type { Connection } from '../connection/connection.ts';

/** The rest of the grace period is for those who were asked last. */
const SHARE_OF_GRACE = 0.8;
const STEP_MS = 20;
/** Few connections need no pacing. */
const MIN_PER_SECOND = 10;

/**
 * Closes connections with 4200 at an even pace within the time given: stock clients come back at once and without
 * jitter, so that all together would be a stampede elsewhere.
 */
export async function closeEvenly(
  connections: readonly Connection[],
  graceMs: number,
  part: (connection: Connection, close: () => void) => void,
): Promise<void> {
  const { code, message } = ERROR_CODES.reconnect;
  const perSecond = Math.max(MIN_PER_SECOND, connections.length / ((graceMs / 1000) * SHARE_OF_GRACE));
  const begunMs = Date.now();
  let asked = 0;
  while (asked < connections.length) {
    const elapsedMs = Date.now() - begunMs;
    const due = elapsedMs >= graceMs ? connections.length : Math.floor((elapsedMs / 1000) * perSecond) + 1;
    for (const connection of connections.slice(asked, due)) {
      part(connection, () => connection.socket.close(code, message));
    }
    asked = Math.max(asked, due);
    if (asked < connections.length) await delay(STEP_MS);
  }
}
