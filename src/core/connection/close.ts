import { ERROR_CODES, type ErrorCode } from '../../protocol/error-codes.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Metrics } from '../contracts/metrics.ts';
import type { Connection } from './connection.ts';

/** Closes a connection for a cause that a log line tells; does nothing to one that has closed already. */
export type Close = (connection: Connection, cause: ErrorCode) => void;

export function loggedClose(metrics: Metrics, logger: Logger): Close {
  return (connection, { code, message }) => {
    if (connection.closed) return;
    metrics.connectionsClosed.add(String(code));
    const { socketId, ip, app } = connection;
    logger.warn({ appId: app.id, socketId, ip, code, reason: message }, 'connection closed');
    // Codes below 4100 tell a client not to come back: it learns why before the socket goes.
    if (code < ERROR_CODES.overCapacity.code) connection.sendError(code, message);
    connection.socket.close(code, message);
  };
}
