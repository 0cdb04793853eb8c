import type { Connection } from '../core/connection/connection.ts';
import type { Logger } from '../core/contracts/logger.ts';
import { ERROR_CODES } from '../protocol/error-codes.ts';

/** A reader for whom no more than this waits can take a replay. */
export const LITTLE_BYTES = 64 * 1024;

/** What a reader that has fallen behind is told, with 4100: whatever it reads over. */
export const SLOW_READER = 'Slow reader: too much was waiting to be sent';

export function logSlowReader(logger: Logger, { app, socketId, ip }: Connection): void {
  const fields = { appId: app.id, socketId, ip, code: ERROR_CODES.overCapacity.code };
  logger.warn(fields, 'connection closed: it reads more slowly than it is sent to');
}
