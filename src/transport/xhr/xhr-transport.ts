import { type Close, loggedClose } from '../../core/connection/close.ts';
import type { Connection } from '../../core/connection/connection.ts';
import type { Current } from '../../core/contracts/current.ts';
import type { Logger } from '../../core/contracts/logger.ts';
import type { Metrics } from '../../core/contracts/metrics.ts';
import type { Transport } from '../../core/contracts/transport.ts';
import type { Connections } from '../../core/lifecycle/connections.ts';
import { ERROR_CODES } from '../../protocol/error-codes.ts';
import { PONG_FRAME } from '../../protocol/frames.ts';
import { SENDS_TOO_MUCH } from '../receive-allowance.ts';
import { logSlowReader, SLOW_READER } from '../slow-reader.ts';
import { ANSWER, messageLine } from './lines.ts';
import { LineBudget, type LineLimits } from './waiting-lines.ts';
import type { SessionKeeper, XhrSession } from './xhr-session.ts';
import { type SessionLimits, XhrSessions } from './xhr-sessions.ts';

export interface XhrTransportSettings extends SessionLimits, LineLimits {}

export interface XhrTransportDependencies {
  readonly connections: Connections;
  readonly settings: Current<XhrTransportSettings>;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/**
 * Streaming and polling as stock pusher-js speaks them when it cannot use a WebSocket. A topic is a set of sessions; a
 * frame is encoded once for all of them, and what a turn of the event loop brings a session is written at its end.
 */
export class XhrTransport implements Transport, SessionKeeper {
  readonly sessions: XhrSessions;
  readonly budget: LineBudget;
  readonly #deps: XhrTransportDependencies;
  readonly #close: Close;
  readonly #topics = new Map<string, Set<XhrSession>>();
  #toFlush: XhrSession[] = [];

  constructor(dependencies: XhrTransportDependencies) {
    const { settings, metrics, logger } = dependencies;
    this.#deps = dependencies;
    this.#close = loggedClose(metrics, logger);
    this.budget = new LineBudget(settings);
    this.sessions = new XhrSessions(settings);
    metrics.bounds.push(
      { name: 'http-sessions', limit: () => settings().maxSessions, held: () => this.sessions.size },
      { name: 'http-buffered-bytes', limit: () => settings().maxBufferedBytes, held: () => this.budget.heldBytes },
    );
  }

  publish(topic: string, frame: string, exceptSocketId: string | undefined): number {
    const sessions = this.#topics.get(topic);
    if (sessions === undefined) return 0;
    const line = messageLine(frame);
    let receivers = 0;
    for (const session of sessions) {
      if (exceptSocketId !== undefined && session.connection?.socketId === exceptSocketId) continue;
      session.put(line);
      receivers += 1;
    }
    this.sent(frame, receivers);
    return receivers;
  }

  /** The messages that a client has sent; none: a sign of life. */
  deliver(session: XhrSession, messages: readonly string[]): void {
    const { connection } = session;
    if (connection === undefined) return;
    const { connections, metrics } = this.#deps;
    if (messages.length === 0 && this.#mayTake(session, connection, 0)) {
      connections.seen(connection);
      // An answer to a heartbeat needs none; asked of its own accord, the client waits for a word.
      if (!session.acknowledgements.heartbeatAnswered()) session.send(PONG_FRAME);
    }
    for (const message of messages) {
      const bytes = Buffer.byteLength(message);
      if (!this.#mayTake(session, connection, bytes)) return;
      metrics.framesIn += 1;
      metrics.bytesIn += bytes;
      if (message === ANSWER) session.pong();
      connections.message(connection, message);
    }
  }

  stop(): void {
    this.sessions.stop();
  }

  flushSoon(session: XhrSession): void {
    this.#toFlush.push(session);
    if (this.#toFlush.length === 1) setImmediate(() => this.#flushAll());
  }

  sent(frame: string, sessions: number): void {
    const { metrics } = this.#deps;
    metrics.framesOut += sessions;
    metrics.bytesOut += sessions * Buffer.byteLength(frame);
  }

  joined(session: XhrSession, topic: string): void {
    const sessions = this.#topics.get(topic);
    if (sessions === undefined) this.#topics.set(topic, new Set([session]));
    else sessions.add(session);
  }

  left(session: XhrSession, topic: string): void {
    const sessions = this.#topics.get(topic);
    if (sessions?.delete(session) === true && sessions.size === 0) this.#topics.delete(topic);
  }

  answered({ connection }: XhrSession, payload: string): void {
    if (connection !== undefined) this.#deps.connections.pong(connection, payload);
  }

  fellBehind(session: XhrSession): void {
    const { metrics, settings } = this.#deps;
    metrics.framesDropped += 1;
    metrics.slowReaders += 1;
    // If it is not its own bound that it has met, it is that of all.
    if (session.waitingBytes <= settings().maxSessionBytes) metrics.refused.add('http-buffered-bytes');
    this.sessions.ended(session);
    if (session.connection === undefined) return;
    this.#deps.connections.fellBehind(session.connection);
    logSlowReader(this.#deps.logger, session.connection);
  }

  hasReadItsLast(session: XhrSession): void {
    const close = () => session.close(ERROR_CODES.overCapacity.code, SLOW_READER);
    if (session.connection === undefined) close();
    else this.#deps.connections.hasReadItsLast(session.connection, close);
  }

  ended(session: XhrSession): void {
    this.sessions.ended(session);
    if (session.connection !== undefined) this.#deps.connections.closed(session.connection, false);
  }

  away(session: XhrSession, aborted: boolean): void {
    this.sessions.away(session, aborted);
  }

  gone(session: XhrSession): void {
    this.sessions.remove(session);
    if (session.connection !== undefined) this.#deps.connections.closed(session.connection, false);
  }

  /** False if the client sends more than it may: it is closed then. */
  #mayTake({ allowance }: XhrSession, connection: Connection, bytes: number): boolean {
    if (allowance.take(bytes)) return true;
    this.#deps.metrics.refused.add('receive-rate');
    this.#close(connection, SENDS_TOO_MUCH);
    return false;
  }

  #flushAll(): void {
    const sessions = this.#toFlush;
    this.#toFlush = [];
    for (const session of sessions) session.flush();
  }
}
