import type { HttpRequest, TemplatedApp, WebSocket } from 'uWebSockets.js';
import { type Close, loggedClose } from '../core/connection/close.ts';
import type { Connection } from '../core/connection/connection.ts';
import type { Current } from '../core/contracts/current.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import type { Transport } from '../core/contracts/transport.ts';
import type { Connections } from '../core/lifecycle/connections.ts';
import type { Handshake } from '../core/lifecycle/handshake.ts';
import { ERROR_CODES } from '../protocol/error-codes.ts';
import type { ClientIp } from './client-ip.ts';
import { remoteAddress } from './copied-request.ts';
import type { HeaderLimit } from './header-limit.ts';
import { ReceiveAllowance, type ReceiveLimits, SENDS_TOO_MUCH } from './receive-allowance.ts';
import { logSlowReader, SLOW_READER } from './slow-reader.ts';
import type { UwsModule } from './uws.ts';
import { type Peer, WebSocketPeer } from './websocket-peer.ts';

/** What sockets are opened with, for good. */
export interface WebSocketSettings {
  /** The largest message that a client may send. */
  readonly maxMessageBytes: number;
  readonly maxBackpressureBytes: number;
  readonly compression: boolean;
  /** A socket that nothing came from for so long is cut: the end of those that were closed and never answered. */
  readonly idleTimeoutSeconds: number;
  /** The server itself ends TLS. */
  readonly tls: boolean;
}

export interface WebSocketLimits extends ReceiveLimits {
  readonly slowReaderGraceSeconds: number;
}

export interface WebSocketDependencies {
  readonly uws: UwsModule;
  readonly app: TemplatedApp;
  readonly connections: Connections;
  readonly settings: WebSocketSettings;
  readonly limits: Current<WebSocketLimits>;
  readonly clientIp: Current<ClientIp>;
  readonly headerLimit: HeaderLimit;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const ABNORMAL_CLOSURE = 1006;
/** How the reasons begin for which uWebSockets.js cuts a connection; it sends no close frame then. */
const PROTOCOL_FAULT = /^Received (?:invalid|too big)/;

/** What a ping or pong counts for beyond what any frame does: clients send one in many seconds, and need no more. */
const PING_COST_BYTES = 4096;

/** The most that uWebSockets.js takes. */
const MAX_IDLE_TIMEOUT_SECONDS = 960;

/** WebSockets by uWebSockets.js: a topic is a native one, and fan-out is one native publish. */
export class WebSocketTransport implements Transport {
  readonly #deps: WebSocketDependencies;
  readonly #compress: boolean;
  readonly #close: Close;
  readonly #peers = new Map<string, WebSocketPeer>();
  /**
   * Of the connection that is being upgraded. No connection keeps its own: a query may be long, and what the query of
   * one that is refused takes is free at once.
   */
  #opening: Handshake | undefined;
  /** Readers that fell behind, until they have left their topics. */
  #behind: WebSocketPeer[] = [];

  constructor(dependencies: WebSocketDependencies) {
    this.#deps = dependencies;
    this.#compress = dependencies.settings.compression;
    this.#close = loggedClose(dependencies.metrics, dependencies.logger);
    this.#register();
  }

  publish(topic: string, frame: string, exceptSocketId: string | undefined): number {
    // A reader that missed a frame must not get a later one, so it leaves before anything else is published.
    if (this.#behind.length > 0) this.#cutOff();
    const excepted = exceptSocketId === undefined ? undefined : this.#peers.get(exceptSocketId);
    // A publish from a socket leaves that socket out; from one without subscriptions it would reach nobody.
    const isWithoutOne = excepted?.publishToOthers(topic, frame, this.#compress) === true;
    if (!isWithoutOne) this.#deps.app.publish(topic, frame, false, this.#compress);
    return this.#count(topic, frame, isWithoutOne ? 1 : 0);
  }

  #count(topic: string, frame: string, withoutCount: number): number {
    const receivers = this.#deps.app.numSubscribers(topic) - withoutCount;
    if (receivers <= 0) return 0;
    const { metrics } = this.#deps;
    metrics.framesOut += receivers;
    metrics.bytesOut += receivers * Buffer.byteLength(frame);
    return receivers;
  }

  #register(): void {
    const { uws, app, settings } = this.#deps;
    app.ws<Peer>('/*', {
      maxPayloadLength: settings.maxMessageBytes,
      maxBackpressure: settings.maxBackpressureBytes,
      // Pings are core/lifecycle/liveness.ts's, which can tell the client why it is closed; this one is later than
      // that.
      idleTimeout: settings.idleTimeoutSeconds > MAX_IDLE_TIMEOUT_SECONDS ? 0 : settings.idleTimeoutSeconds,
      sendPingsAutomatically: false,
      compression: settings.compression ? uws.SHARED_COMPRESSOR : uws.DISABLED,
      upgrade: (res, req, context) => {
        // The key alone is enough for uWebSockets.js, but a proxy that dropped this would not pass on the answer. Both
        // are answered as plain requests.
        if (req.getHeader('upgrade').toLowerCase() !== 'websocket' || this.#deps.headerLimit.isExceeded(req)) {
          req.setYield(true);
          return;
        }
        this.#opening = {
          path: req.getUrl(),
          // Its declaration does not say so, but it is undefined if the URL has no question mark.
          query: req.getQuery() ?? '',
          origin: req.getHeader('origin'),
          ...this.#whence(remoteAddress(res), req),
        };
        res.upgrade<Peer>(
          { allowance: new ReceiveAllowance(this.#deps.limits), socket: undefined, connection: undefined },
          req.getHeader('sec-websocket-key'),
          // An offered subprotocol is echoed, none is invented.
          req.getHeader('sec-websocket-protocol').split(',')[0]?.trim() ?? '',
          req.getHeader('sec-websocket-extensions'),
          context,
        );
        this.#opening = undefined;
      },
      open: (ws) => this.#open(ws),
      message: (ws, message, isBinary) => this.#message(ws, message, isBinary),
      ping: (ws, payload) => this.#ping(ws, payload),
      pong: (ws, payload) => this.#pong(ws, payload),
      dropped: (ws) => this.#fellBehind(ws.getUserData()),
      drain: (ws) => this.#someRead(ws.getUserData()),
      close: (ws, code, reason) => this.#closed(ws.getUserData(), code, reason),
    });
  }

  #whence(remote: string, req: HttpRequest): Pick<Handshake, 'ip' | 'secure'> {
    const { settings } = this.#deps;
    const clientIp = this.#deps.clientIp();
    return {
      ip: clientIp.resolve(remote, clientIp.forwardedFor(req)),
      secure: settings.tls || clientIp.saysTls(remote, req.getHeader('x-forwarded-proto')),
    };
  }

  #open(ws: WebSocket<Peer>): void {
    const { connections, metrics } = this.#deps;
    const peer = ws.getUserData();
    const socket = new WebSocketPeer(ws, this.#compress, metrics);
    peer.socket = socket;
    if (this.#opening === undefined) throw new Error('A WebSocket is opened by its upgrade, and not after it');
    const connection = connections.open(this.#opening, socket);
    if (connection === undefined) return;
    peer.connection = connection;
    this.#peers.set(connection.socketId, socket);
  }

  #message(ws: WebSocket<Peer>, message: ArrayBuffer, isBinary: boolean): void {
    const connection = this.#mayTake(ws, message.byteLength);
    if (connection === undefined) return;
    if (isBinary) {
      connection.sendError(null, 'Binary messages are not part of the protocol: send text');
      return;
    }
    const { metrics, connections } = this.#deps;
    metrics.framesIn += 1;
    metrics.bytesIn += message.byteLength;
    connections.message(connection, Buffer.from(message).toString('utf8'));
  }

  /**
   * Whose frame it is. Undefined if it is not to be looked at, since too much came. Pings and pongs count as well:
   * uWebSockets.js reads from one socket as long as that has anything, and hands over each of them.
   */
  #mayTake(ws: WebSocket<Peer>, bytes: number): Connection | undefined {
    const { connection, allowance } = ws.getUserData();
    if (connection === undefined || allowance.take(bytes)) return connection;
    this.#deps.metrics.refused.add('receive-rate');
    this.#close(connection, SENDS_TOO_MUCH);
    return undefined;
  }

  #ping(ws: WebSocket<Peer>, payload: ArrayBuffer): void {
    const connection = this.#mayTake(ws, payload.byteLength + PING_COST_BYTES);
    if (connection !== undefined) this.#deps.connections.seen(connection);
  }

  #pong(ws: WebSocket<Peer>, payload: ArrayBuffer): void {
    const connection = this.#mayTake(ws, payload.byteLength + PING_COST_BYTES);
    if (connection !== undefined) this.#deps.connections.pong(connection, Buffer.from(payload).toString('latin1'));
  }

  #closed(peer: Peer, code: number, reason: ArrayBuffer): void {
    peer.socket?.closed();
    if (peer.connection === undefined) return;
    if (code === ABNORMAL_CLOSURE) this.#logAbnormal(peer.connection, Buffer.from(reason).toString('latin1'));
    this.#peers.delete(peer.connection.socketId);
    this.#deps.connections.closed(peer.connection, code !== ABNORMAL_CLOSURE && peer.socket?.endedHere !== true);
  }

  /** Called by uWebSockets.js amid a publish, where a socket's topics must not be changed: that comes right after. */
  #fellBehind(peer: Peer): void {
    this.#deps.metrics.framesDropped += 1;
    if (peer.socket === undefined || !peer.socket.markBehind()) return;
    this.#deps.metrics.slowReaders += 1;
    this.#behind.push(peer.socket);
    if (peer.connection !== undefined) {
      this.#deps.connections.fellBehind(peer.connection);
      logSlowReader(this.#deps.logger, peer.connection);
    }
    if (this.#behind.length === 1) setImmediate(() => this.#cutOff());
  }

  #someRead({ socket, connection }: Peer): void {
    if (socket?.someRead() !== true) return;
    const close = () => socket.close(ERROR_CODES.overCapacity.code, SLOW_READER);
    if (connection === undefined) close();
    else this.#deps.connections.hasReadItsLast(connection, close);
  }

  #cutOff(): void {
    const behind = this.#behind;
    this.#behind = [];
    const { slowReaderGraceSeconds } = this.#deps.limits();
    for (const socket of behind) socket.cutOff(slowReaderGraceSeconds * 1000);
  }

  /** Networks fail all the time; what breaks the WebSocket protocol is a client's fault, or an attack. */
  #logAbnormal({ app, socketId, ip }: Connection, reason: string): void {
    if (!PROTOCOL_FAULT.test(reason)) return;
    this.#deps.logger.warn({ appId: app.id, socketId, ip, reason }, 'connection closed: not a valid WebSocket message');
  }
}
