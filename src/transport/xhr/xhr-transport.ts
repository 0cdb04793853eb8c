import type { HttpResponse as NativeResponse } from 'uWebSockets.js';
import { createHash } from 'node:crypto';
import { type Close, loggedClose } from '../../core/connection/close.ts';
import type { Connection } from '../../core/connection/connection.ts';
import type { AppRegistry } from '../../core/contracts/app.ts';
import type { HttpRequest, HttpResponse } from '../../core/contracts/http.ts';
import type { Logger } from '../../core/contracts/logger.ts';
import type { Metrics } from '../../core/contracts/metrics.ts';
import type { Transport } from '../../core/contracts/transport.ts';
import type { Connections } from '../../core/lifecycle/connections.ts';
import { ERROR_CODES } from '../../protocol/error-codes.ts';
import { encodeError, PONG_FRAME } from '../../protocol/frames.ts';
import { ReceiveAllowance, type ReceiveLimits, SENDS_TOO_MUCH } from '../receive-allowance.ts';
import { logSlowReader, SLOW_READER } from '../slow-reader.ts';
import { GuessLimits } from './guess-limits.ts';
import { ANSWER, messageLine, openLine } from './lines.ts';
import { type Headers, PollingReceiver, type Receiver, StreamingReceiver } from './receiver.ts';
import { messagesOf } from './send-body.ts';
import { LineBudget } from './waiting-lines.ts';
import { originHeaders } from './xhr-cors.ts';
import { requestNumberOf, type XhrPath } from './xhr-path.ts';
import { type SessionKeeper, XhrSession } from './xhr-session.ts';
import { type SessionLimits, XhrSessions } from './xhr-sessions.ts';

export interface XhrSettings extends SessionLimits, ReceiveLimits {
  /** What may wait for all sessions of this node together. */
  readonly maxBufferedBytes: number;
  /** What may wait for one of them. */
  readonly maxSessionBytes: number;
  /** Where clients send the later requests of a session that this node has opened; undefined: to the same host. */
  readonly hostname: string | undefined;
}

export interface XhrDependencies {
  readonly apps: AppRegistry;
  readonly connections: Connections;
  readonly settings: XhrSettings;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Text that no browser looks into before it hands it on, and no proxy is to keep, gather or change. */
const RESPONSE_HEADERS: Headers = [
  ['Content-Type', 'application/javascript; charset=UTF-8'],
  ['X-Content-Type-Options', 'nosniff'],
  ['Cache-Control', 'no-store, no-transform'],
  ['X-Accel-Buffering', 'no'],
];

const UNKNOWN_SESSION: HttpResponse = {
  status: 404,
  body:
    'This node has no such session of yours: it is over, or, with several nodes, the requests of a session do not all ' +
    'reach the same one (route them by the session in the path)',
};

const TOO_MANY_GUESSES: HttpResponse = {
  status: 429,
  body: 'Too many requests for sessions that this address did not open',
};

/**
 * Streaming and polling as stock pusher-js speaks them when it cannot use a WebSocket. A topic is a set of sessions; a
 * frame is encoded once for all of them, and what a turn of the event loop brings a session is written at its end.
 */
export class XhrTransport implements Transport, SessionKeeper {
  readonly #deps: XhrDependencies;
  readonly #close: Close;
  readonly #sessions: XhrSessions;
  readonly #guesses = new GuessLimits();
  readonly #budget: LineBudget;
  readonly #topics = new Map<string, Set<XhrSession>>();
  #toFlush: XhrSession[] = [];

  constructor(dependencies: XhrDependencies) {
    const { settings, metrics } = dependencies;
    this.#deps = dependencies;
    this.#close = loggedClose(metrics, dependencies.logger);
    this.#budget = new LineBudget(settings.maxBufferedBytes, settings.maxSessionBytes);
    this.#sessions = new XhrSessions(settings, (nowMs) => this.#guesses.prune(nowMs));
    metrics.bounds.push(
      { name: 'http-sessions', limit: () => settings.maxSessions, held: () => this.#sessions.size },
      { name: 'http-buffered-bytes', limit: () => settings.maxBufferedBytes, held: () => this.#budget.heldBytes },
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

  /** A request for what waits for a session, which it opens if there is none. */
  receive(res: NativeResponse, path: XhrPath, request: HttpRequest, secure: boolean): HttpResponse | undefined {
    const key = sessionKey(path);
    const number = requestNumberOf(request.query);
    const digest = openerDigest(request);
    let session = this.#sessions.get(key);
    if (session === undefined) {
      session = new XhrSession({
        key,
        transport: path.call === 'xhr_streaming' ? 'xhr-streaming' : 'xhr-polling',
        opener: { digest, ip: request.ip, requestNumber: number },
        allowance: ReceiveAllowance.of(this.#deps.settings),
        keeper: this,
        budget: this.#budget,
      });
      this.#open(session, path, request, secure);
    } else {
      const found = this.#checked(session, request, digest);
      if (!(found instanceof XhrSession)) return found;
      if (session.connection !== undefined) this.#deps.connections.seen(session.connection);
      if (number !== undefined) session.inOrder(number, () => undefined);
    }
    this.#attach(session, res, path, request.headers.get('origin'));
    return undefined;
  }

  /** A client's messages, or its sign of life. */
  send(path: XhrPath, request: HttpRequest): HttpResponse {
    const session = this.#checked(this.#sessions.get(sessionKey(path)), request, openerDigest(request));
    if (!(session instanceof XhrSession)) return session;
    const messages = messagesOf(request.body);
    if (typeof messages === 'string') {
      session.connection?.sendError(null, messages);
      return { status: 400, body: messages };
    }
    session.inOrder(requestNumberOf(request.query), () => this.#deliver(session, messages));
    return { status: 204, body: '' };
  }

  stop(): void {
    this.#sessions.stop();
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
    const { metrics } = this.#deps;
    metrics.framesDropped += 1;
    metrics.slowReaders += 1;
    this.#sessions.ended(session);
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
    this.#sessions.ended(session);
    if (session.connection !== undefined) this.#deps.connections.closed(session.connection, false);
  }

  away(session: XhrSession, aborted: boolean): void {
    this.#sessions.away(session, aborted);
  }

  gone(session: XhrSession): void {
    this.#sessions.remove(session);
    if (session.connection !== undefined) this.#deps.connections.closed(session.connection, false);
  }

  #open(session: XhrSession, path: XhrPath, request: HttpRequest, secure: boolean): void {
    const { connections, settings, metrics, logger } = this.#deps;
    // The client ignores a close that comes before it.
    session.put(openLine(settings.hostname));
    const problem = this.#sessions.problem(request.ip);
    if (problem !== undefined) {
      const { code } = ERROR_CODES.overCapacity;
      logger.warn({ ip: request.ip, code, reason: problem }, 'connection refused');
      metrics.refused.add('http-sessions');
      metrics.connectionsRefused.add(String(code));
      session.send(encodeError(code, problem));
      session.close(code, problem);
      return;
    }
    this.#sessions.add(session);
    const handshake = {
      path: path.appPath,
      query: request.query,
      origin: request.headers.get('origin') ?? '',
      ip: request.ip,
      secure,
    };
    session.connection = connections.open(handshake, session);
  }

  #attach(session: XhrSession, res: NativeResponse, path: XhrPath, origin: string | undefined): void {
    const headers = [...RESPONSE_HEADERS, ...originHeaders(this.#deps.apps.findByKey(path.appKey), origin)];
    const gone = () => session.detach(receiver);
    const receiver: Receiver =
      path.call === 'xhr_streaming'
        ? new StreamingReceiver(res, headers, () => session.flush(), gone)
        : new PollingReceiver(res, headers, gone);
    session.attach(receiver);
    if (session.isAttended) this.#sessions.attended(session, !receiver.isStreaming);
  }

  /** The session if the request may be its opener's, or the answer that refuses it. */
  #checked(session: XhrSession | undefined, { ip }: HttpRequest, digest: string): XhrSession | HttpResponse {
    const known = session !== undefined && session.opener.digest === digest;
    if (known && session.isKnownAt(ip)) return session;
    if (!this.#guesses.take(ip, Date.now())) {
      this.#deps.metrics.refused.add('http-session-guesses');
      return TOO_MANY_GUESSES;
    }
    if (!known) return UNKNOWN_SESSION;
    session.seenAt(ip);
    return session;
  }

  #deliver(session: XhrSession, messages: readonly string[]): void {
    const { connection } = session;
    if (connection === undefined) return;
    const { connections, metrics } = this.#deps;
    if (messages.length === 0 && this.#mayTake(session, connection, 0)) {
      connections.seen(connection);
      // An answer to a heartbeat needs none; asked of its own accord, the client waits for a word.
      if (!session.heartbeatAnswered()) session.send(PONG_FRAME);
    }
    for (const message of messages) {
      const bytes = Buffer.byteLength(message);
      if (!this.#mayTake(session, connection, bytes)) return;
      metrics.framesIn += 1;
      metrics.bytesIn += bytes;
      if (message === ANSWER) session.answer();
      connections.message(connection, message);
    }
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

/** The whole path in front of the session belongs to it: if that names a session to resume, nobody guesses it. */
function sessionKey({ appPath, session }: XhrPath): string {
  return `${appPath}/${session}`;
}

/** What all requests of one page have in common. */
function openerDigest({ headers }: HttpRequest): string {
  const common = `${headers.get('origin') ?? ''}\n${headers.get('user-agent') ?? ''}`;
  return createHash('sha256').update(common).digest('base64url');
}
