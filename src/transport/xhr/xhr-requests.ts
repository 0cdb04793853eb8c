import type { HttpResponse as NativeResponse } from 'uWebSockets.js';
import type { Cluster } from '../../core/cluster/cluster.ts';
import type { AppRegistry } from '../../core/contracts/app.ts';
import type { Current } from '../../core/contracts/current.ts';
import type { HttpRequest, HttpResponse } from '../../core/contracts/http.ts';
import type { Logger } from '../../core/contracts/logger.ts';
import type { Metrics } from '../../core/contracts/metrics.ts';
import type { Connections } from '../../core/lifecycle/connections.ts';
import { ERROR_CODES } from '../../protocol/error-codes.ts';
import { encodeError } from '../../protocol/frames.ts';
import { ReceiveAllowance, type ReceiveLimits } from '../receive-allowance.ts';
import { GuessLimits } from './guess-limits.ts';
import { openLine } from './lines.ts';
import { Opener, openerDigest, sessionKey } from './opener.ts';
import { type Headers, NativeOutput } from './output.ts';
import { PollingReceiver, type Receiver, StreamingReceiver } from './receiver.ts';
import { messagesOf } from './send-body.ts';
import { type SessionHolder, type SessionRequest, Strays } from './strays.ts';
import { originHeaders } from './xhr-cors.ts';
import { requestNumberOf, type XhrPath } from './xhr-path.ts';
import { XhrSession } from './xhr-session.ts';
import type { XhrTransport } from './xhr-transport.ts';

export interface XhrRequestsSettings extends ReceiveLimits {
  /** Where clients send the later requests of a session that this node has opened; undefined: to the same host. */
  readonly hostname: string | undefined;
}

export interface XhrRequestsDependencies {
  readonly transport: XhrTransport;
  readonly apps: AppRegistry;
  readonly connections: Connections;
  readonly cluster: Cluster;
  readonly settings: Current<XhrRequestsSettings>;
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
  body: 'There is no such session of yours: it is over, or another page or program has opened it',
};

const TOO_MANY_GUESSES: HttpResponse = {
  status: 429,
  body: 'Too many requests for sessions that this address did not open',
};

/** What the requests of pusher-js do to the sessions: to those of this node, and by way of it to those of others. */
export class XhrRequests {
  readonly #deps: XhrRequestsDependencies;
  readonly #guesses = new GuessLimits();
  readonly #strays: Strays;

  constructor(dependencies: XhrRequestsDependencies) {
    const { transport, cluster, metrics, logger } = dependencies;
    this.#deps = dependencies;
    const holder: SessionHolder = {
      send: (asked, body) => (this.#has(asked) ? this.#send(asked, body) : undefined),
      receive: (asked, isStreaming, output) => {
        if (!this.#has(asked)) return undefined;
        const session = this.#checked(asked);
        if (!(session instanceof XhrSession)) return session;
        this.#seen(session, asked.number);
        const receiver = isStreaming ? new StreamingReceiver(output) : new PollingReceiver(output);
        this.#attach(session, receiver);
        return { gone: () => leave(session, receiver), lost: () => session.cut() };
      },
    };
    this.#strays = new Strays(cluster, holder, metrics, logger);
    transport.sessions.whenTicking((nowMs) => {
      this.#guesses.prune(nowMs);
      this.#strays.tick();
    });
  }

  /** A request for what waits for a session, which it opens if there is none. */
  receive(res: NativeResponse, path: XhrPath, request: HttpRequest, secure: boolean): HttpResponse | undefined {
    const { sessions } = this.#deps.transport;
    const asked = sessionRequest(path, request);
    const isStreaming = path.call === 'xhr_streaming';
    const origin = request.headers.get('origin');
    const headers = [...RESPONSE_HEADERS, ...originHeaders(this.#deps.apps.findByKey(path.appKey), origin)];
    const output = new NativeOutput(res, headers);
    const attach = (session: XhrSession): (() => void) => {
      if (!isStreaming) {
        const receiver = new PollingReceiver(output);
        this.#attach(session, receiver);
        return () => leave(session, receiver);
      }
      const receiver = new StreamingReceiver(output);
      res.onWritable(() => {
        receiver.readable();
        session.flush();
        return true;
      });
      this.#attach(session, receiver);
      return () => leave(session, receiver);
    };
    const openOrFind = () => sessions.get(asked.key) ?? this.#open(asked, path, request, secure);

    if (sessions.get(asked.key) !== undefined) {
      const session = this.#checked(asked);
      if (!(session instanceof XhrSession)) return session;
      this.#seen(session, asked.number);
    }
    let gone: () => void = () => undefined;
    res.onAborted(() => gone());
    const mayBeElsewhere = sessions.get(asked.key) === undefined && this.#strays.mayBeElsewhere;
    if (!mayBeElsewhere || sessions.problem(asked.ip) !== undefined) {
      gone = attach(openOrFind());
      return undefined;
    }
    const client = (left: () => void) => {
      gone = left;
    };
    void this.#strays.receive(asked, isStreaming, output, client).then((isTaken) => {
      // Another request for it may have come meanwhile.
      if (!isTaken) gone = attach(openOrFind());
    });
    return undefined;
  }

  /** A client's messages, or its sign of life. */
  async send(path: XhrPath, request: HttpRequest): Promise<HttpResponse> {
    const { body } = request;
    const asked = sessionRequest(path, request);
    const isHere = this.#deps.transport.sessions.get(asked.key) !== undefined;
    if (isHere || !this.#strays.mayBeElsewhere) return this.#send(asked, body);
    if (!this.#guesses.take(asked.ip, Date.now())) return this.#tooManyGuesses();
    const answer = await this.#strays.send(asked, body);
    if (answer === undefined) return UNKNOWN_SESSION;
    this.#guesses.giveBack(asked.ip);
    return answer;
  }

  #open(asked: SessionRequest, path: XhrPath, request: HttpRequest, secure: boolean): XhrSession {
    const { transport, connections, settings, metrics, logger } = this.#deps;
    const { key, digest, ip, number } = asked;
    const session = new XhrSession({
      key,
      transport: path.call === 'xhr_streaming' ? 'xhr-streaming' : 'xhr-polling',
      opener: new Opener(digest, ip, number),
      allowance: new ReceiveAllowance(settings),
      keeper: transport,
      budget: transport.budget,
    });
    // The client ignores a close that comes before it.
    session.put(openLine(settings().hostname));
    const problem = transport.sessions.problem(ip);
    if (problem !== undefined) {
      const { code } = ERROR_CODES.overCapacity;
      logger.warn({ ip, code, reason: problem }, 'connection refused');
      metrics.refused.add('http-sessions');
      metrics.connectionsRefused.add(String(code));
      session.send(encodeError(code, problem));
      session.close(code, problem);
      return session;
    }
    transport.sessions.add(session);
    const origin = request.headers.get('origin') ?? '';
    session.connection = connections.open({ path: path.appPath, query: request.query, origin, ip, secure }, session);
    return session;
  }

  #send(asked: SessionRequest, body: Buffer): HttpResponse {
    const session = this.#checked(asked);
    if (!(session instanceof XhrSession)) return session;
    const messages = messagesOf(body);
    if (typeof messages === 'string') {
      session.connection?.sendError(null, messages);
      return { status: 400, body: messages };
    }
    session.inOrder(asked.number, () => this.#deps.transport.deliver(session, messages));
    return { status: 204, body: '' };
  }

  #attach(session: XhrSession, receiver: Receiver): void {
    session.attach(receiver);
    if (session.isAttended) this.#deps.transport.sessions.attended(session, !receiver.isStreaming);
  }

  #seen(session: XhrSession, number: number | undefined): void {
    if (session.connection !== undefined) this.#deps.connections.seen(session.connection);
    if (number !== undefined) session.inOrder(number, () => undefined);
  }

  #has({ key, digest }: SessionRequest): boolean {
    return this.#deps.transport.sessions.get(key)?.opener.digest === digest;
  }

  /** The session if the request may be its opener's, or the answer that refuses it. */
  #checked(asked: SessionRequest): XhrSession | HttpResponse {
    const session = this.#has(asked) ? this.#deps.transport.sessions.get(asked.key) : undefined;
    if (session?.opener.isKnownAt(asked.ip) === true) return session;
    if (!this.#guesses.take(asked.ip, Date.now())) return this.#tooManyGuesses();
    session?.opener.seenAt(asked.ip);
    return session ?? UNKNOWN_SESSION;
  }

  #tooManyGuesses(): HttpResponse {
    this.#deps.metrics.refused.add('http-session-guesses');
    return TOO_MANY_GUESSES;
  }
}

function leave(session: XhrSession, receiver: Receiver): void {
  receiver.abort();
  session.detach(receiver);
}

function sessionRequest(path: XhrPath, { headers, ip, query }: HttpRequest): SessionRequest {
  return { key: sessionKey(path), digest: openerDigest(headers), ip, number: requestNumberOf(query) };
}
