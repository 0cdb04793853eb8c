import { ERROR_CODES } from '../../protocol/error-codes.ts';
import { BrokerUnavailable } from '../contracts/broker.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Metrics } from '../contracts/metrics.ts';
import type { Close } from './close.ts';
import type { Connection } from './connection.ts';

const TOO_MANY = { ...ERROR_CODES.overCapacity, message: 'Too many messages wait to be handled' };

/** What connections have to do, one thing after another for each of them. */
export class ConnectionTasks {
  readonly #close: Close;
  readonly #metrics: Metrics;
  readonly #logger: Logger;

  constructor(close: Close, metrics: Metrics, logger: Logger) {
    this.#close = close;
    this.#metrics = metrics;
    this.#logger = logger;
  }

  /** Runs a task in the connection's turn; a connection that has too many waiting is closed. */
  enqueue(connection: Connection, task: () => Promise<void>): void {
    if (connection.closed) return;
    if (connection.enqueue(() => this.guard(connection, task))) return;
    this.#metrics.refused.add('waiting-messages');
    this.#close(connection, TOO_MANY);
  }

  /** A fault in one client's task is that client's alone: never rejects. */
  async guard(connection: Connection, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      const fields = { appId: connection.app.id, socketId: connection.socketId };
      if (connection.closed && error instanceof BrokerUnavailable) {
        this.#logger.debug(fields, 'a connection left while the shared state was away: it is put right on return');
        return;
      }
      this.#logger.error({ ...fields, err: error }, 'internal error');
      connection.sendError(null, 'Internal error: see the log of the server');
    }
  }
}
