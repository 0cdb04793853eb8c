import { ERROR_CODES, type ErrorCode } from '../../protocol/error-codes.ts';
import { BrokerUnavailable } from '../contracts/broker.ts';
import type { Current } from '../contracts/current.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Metrics } from '../contracts/metrics.ts';
import type { Close } from './close.ts';
import type { Connection } from './connection.ts';
import { type Message, waitingBytesOf } from './packed-messages.ts';
import type { Task } from './task-queue.ts';

/** What a connection is to do in its turn. */
export type Work = Pick<Task, 'run'> & Partial<Omit<Task, 'bytes'>>;

export interface WaitingLimits {
  /** For the messages of one connection that wait for their turn. */
  readonly maxWaitingBytes: number;
  /** For all connections of this node together. */
  readonly maxWaitingBytesOfNode: number;
  /** How long the first message that waits may do so, for its turn and for what it asks for. */
  readonly maxWaitSeconds: number;
}

/** Tasks of one connection that may wait; a client that queues more is not a stock client. */
const MAX_WAITING_TASKS = 5000;

/** Between two looks at all connections for what has waited too long. */
const CHECK_MS = 2000;

/** After a client has closed its connection, what it sent others before is carried out for so long. */
const MAX_AFTER_CLOSE_MS = 5000;

const { overCapacity } = ERROR_CODES;
const TOO_MANY: ErrorCode = { ...overCapacity, message: 'Too many messages wait to be handled' };
const TOO_LARGE: ErrorCode = {
  ...overCapacity,
  message: 'The messages that wait to be handled are too large',
};
const TOO_LONG: ErrorCode = { ...overCapacity, message: 'What the client asked for could not be done in time' };

/** What connections have to do, one thing after another for each of them, and how much of it may wait. */
export class ConnectionTasks {
  readonly #limits: Current<WaitingLimits>;
  readonly #close: Close;
  readonly #metrics: Metrics;
  readonly #logger: Logger;
  #connections: Iterable<Connection> = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: Current<WaitingLimits>, close: Close, metrics: Metrics, logger: Logger) {
    this.#limits = limits;
    this.#close = close;
    this.#metrics = metrics;
    this.#logger = logger;
    metrics.bounds.push({
      name: 'waiting-bytes',
      limit: () => limits().maxWaitingBytesOfNode,
      held: () => this.#waitingBytes,
    });
  }

  /** @param connections all that are open */
  start(connections: Iterable<Connection>): void {
    this.#connections = connections;
    this.#timer = setInterval(() => this.#closeOverdue(), CHECK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Does something in the connection's turn; a connection for which too much waits is closed. */
  enqueue(connection: Connection, work: Work): void {
    if (connection.closed) return;
    const { tasks } = connection;
    if (!tasks.idle && !this.#makeRoom(connection, 0)) return;
    tasks.add(new ConnectionTask(connection, work, 0, this.#carryOut));
  }

  /**
   * Has a message wait for the connection's turn; a connection for which too much waits is closed.
   * @param toWork called in that turn; the same for all messages
   */
  wait(connection: Connection, message: Message, toWork: (connection: Connection, message: Message) => Work): void {
    if (connection.closed) return;
    const bytes = waitingBytesOf(message);
    if (!this.#makeRoom(connection, bytes)) return;
    this.#waitingBytes += bytes;
    connection.tasks.addMessage(
      message,
      (next) => new ConnectionTask(connection, toWork(connection, next), waitingBytesOf(next), this.#carryOut),
    );
  }

  /** Runs a connection's last task, of one that has gone. @param byClient see TaskQueue.finish */
  finish(connection: Connection, last: () => Promise<void>, byClient: boolean): void {
    const { tasks } = connection;
    const before = tasks.waitingBytes;
    tasks.finish(last, byClient);
    this.#waitingBytes -= before - tasks.waitingBytes;
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

  readonly #carryOut = ({ connection, work, bytes }: ConnectionTask): Promise<void> => {
    this.#waitingBytes -= bytes;
    return this.#isTooLate(connection) ? Promise.resolve() : this.guard(connection, () => work.run());
  };

  /** Long after the connection has gone: what it sent before is not carried out any more. */
  #isTooLate({ closed, closedMs }: Connection): boolean {
    return closed && Date.now() - closedMs > MAX_AFTER_CLOSE_MS;
  }

  /** Whether so much more may wait for the connection, if need be in place of what waits for another. */
  #makeRoom(connection: Connection, bytes: number): boolean {
    const problem = this.#problem(connection, bytes);
    if (problem !== undefined) {
      this.#metrics.refused.add('waiting-messages');
      this.#close(connection, problem);
      return false;
    }
    if (this.#waitingBytes + bytes > this.#limits().maxWaitingBytesOfNode) this.#closeHeaviest();
    return !connection.closed;
  }

  #problem({ tasks }: Connection, bytes: number): ErrorCode | undefined {
    if (tasks.size >= MAX_WAITING_TASKS) return TOO_MANY;
    // One may always wait: a single message is no larger than the transport lets it be.
    return tasks.size > 0 && tasks.waitingBytes + bytes > this.#limits().maxWaitingBytes ? TOO_LARGE : undefined;
  }

  /** Too much waits on the node: whoever has the most goes, which is nobody who is merely unlucky. */
  #closeHeaviest(): void {
    let heaviest: Connection | undefined;
    for (const connection of this.#connections) {
      if (connection.tasks.waitingBytes > (heaviest?.tasks.waitingBytes ?? 0)) heaviest = connection;
    }
    if (heaviest === undefined) return;
    this.#metrics.refused.add('waiting-bytes');
    this.#close(heaviest, TOO_LARGE);
  }

  #closeOverdue(): void {
    const overdueMs = Date.now() - this.#limits().maxWaitSeconds * 1000;
    for (const connection of [...this.#connections]) {
      const { stillSinceMs } = connection.tasks;
      if (stillSinceMs === undefined || stillSinceMs > overdueMs) continue;
      this.#metrics.refused.add('waiting-time');
      this.#close(connection, TOO_LONG);
    }
  }
}

class ConnectionTask implements Task {
  readonly connection: Connection;
  readonly work: Work;
  readonly bytes: number;
  readonly #carryOut: (task: ConnectionTask) => Promise<void>;

  constructor(connection: Connection, work: Work, bytes: number, carryOut: (task: ConnectionTask) => Promise<void>) {
    this.connection = connection;
    this.work = work;
    this.bytes = bytes;
    this.#carryOut = carryOut;
  }

  get isExtra(): boolean {
    return this.work.isExtra === true;
  }

  get cost(): number {
    return this.work.cost ?? 1;
  }

  run(): Promise<void> {
    return this.#carryOut(this);
  }
}
