import { setTimeout as delay } from 'node:timers/promises';
import { printable } from '../../protocol/channel-name.ts';
import { ERROR_CODES, type ErrorCode } from '../../protocol/error-codes.ts';
import { encodeConnectionEstablished, encodeError } from '../../protocol/frames.ts';
import { SocketIdSequence } from '../../protocol/socket-id.ts';
import type { Close } from '../connection/close.ts';
import { Connection } from '../connection/connection.ts';
import type { ConnectionTasks } from '../connection/connection-tasks.ts';
import { inSlices } from '../connection/in-slices.ts';
import { whenReachable } from '../connection/when-reachable.ts';
import type { AppRegistry } from '../contracts/app.ts';
import type { Current } from '../contracts/current.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Metrics } from '../contracts/metrics.ts';
import type { Quotas } from '../contracts/quotas.ts';
import type { CheckToken } from '../contracts/token-check.ts';
import type { Socket } from '../contracts/transport.ts';
import type { Resume } from '../resume/resume.ts';
import type { SignIn } from '../subscriptions/sign-in.ts';
import { countGone, countOpened } from './connection-counts.ts';
import type { Departures } from './departures.ts';
import type { Dispatch } from './dispatch.ts';
import { closeEvenly } from './drain.ts';
import { checkHandshake, type Handshake, tokenOf } from './handshake.ts';
import type { Liveness } from './liveness.ts';
import type { NodeCapacity } from './node-capacity.ts';
import { loggablePath } from './resume-token.ts';

export interface ConnectionSettings {
  /** What clients are told: after so long without a message they send a ping. */
  readonly activityTimeoutSeconds: number;
}

export interface ConnectionsDependencies {
  readonly apps: AppRegistry;
  readonly quotas: Quotas;
  readonly capacity: NodeCapacity;
  readonly liveness: Liveness;
  readonly tasks: ConnectionTasks;
  readonly dispatch: Dispatch;
  readonly resume: Resume;
  readonly departures: Departures;
  readonly signIn: SignIn;
  readonly checkToken: CheckToken;
  readonly close: Close;
  readonly metrics: Metrics;
  readonly settings: Current<ConnectionSettings>;
  readonly logger: Logger;
}

/**
 * An upgrade over a connection that a proxy has kept open. Not 4200: before it is established, a client would try
 * without a pause.
 */
const STOPPING: ErrorCode = { ...ERROR_CODES.overCapacity, message: 'The server is stopping: please reconnect' };

/** How long a connection may go without signing in if that is required and nothing else is set. */
const MAX_UNSIGNED_SECONDS = 10;

/** What a connection is from open to close: what transports call. */
export class Connections {
  readonly #deps: ConnectionsDependencies;
  readonly #ids = new SocketIdSequence();
  readonly #connections = new Set<Connection>();
  #draining = false;

  constructor(dependencies: ConnectionsDependencies) {
    this.#deps = dependencies;
  }

  get size(): number {
    return this.#connections.size;
  }

  /** All that are open, for whoever looks on. */
  get all(): Iterable<Connection> {
    return this.#connections;
  }

  /** A client has connected. Undefined if it was refused: the socket is then closed already. */
  open(handshake: Handshake, socket: Socket): Connection | undefined {
    const { apps, capacity, liveness, metrics, tasks } = this.#deps;
    const outcome = checkHandshake(handshake, apps);
    if (outcome.app === undefined) {
      this.#refuse(handshake.ip, handshake.path, socket, outcome.refusal);
      return undefined;
    }
    const full = this.#draining ? STOPPING : capacity.problem(handshake.ip);
    if (full !== undefined) {
      this.#refuse(handshake.ip, handshake.path, socket, full);
      return undefined;
    }
    const { app, session } = outcome;
    const { ip, origin } = handshake;
    const { nowMs } = liveness;
    const connection = new Connection({ apps, app, socketId: this.#ids.next(), ip, origin, socket, nowMs });
    connection.session = session;
    this.#connections.add(connection);
    capacity.take(connection.ip);
    countOpened(metrics, connection);
    // What the client sends meanwhile waits its turn behind this.
    tasks.enqueue(connection, { run: () => this.#establish(connection, tokenOf(app, handshake)) });
    return connection;
  }

  /** A text frame. */
  message(connection: Connection, text: string): void {
    const { liveness, dispatch } = this.#deps;
    liveness.seen(connection);
    if (!connection.closed) dispatch.take(connection, text, liveness.nowMs);
  }

  /** A ping of the peer's own. */
  seen(connection: Connection): void {
    this.#deps.liveness.seen(connection);
  }

  /** @param payload the ping's that it answers */
  pong(connection: Connection, payload: string): void {
    this.#deps.liveness.seen(connection);
    const { resumable } = connection;
    if (resumable !== undefined) this.#deps.resume.acknowledged(connection, resumable, payload);
  }

  /** A frame for it was dropped, and it takes no other. Amid a publish. */
  fellBehind({ resumable }: Connection): void {
    if (resumable !== undefined) this.#deps.resume.fellBehind(resumable);
  }

  /** It has read what it was sent before it fell behind. */
  hasReadItsLast(connection: Connection, close: () => void): void {
    this.#deps.resume.part(connection, close);
  }

  /** The socket has gone. @param byClient with a close frame of the client's own accord */
  closed(connection: Connection, byClient: boolean): void {
    if (!this.#connections.delete(connection)) return;
    connection.closed = true;
    connection.closedMs = Date.now();
    if (byClient && connection.resumable !== undefined) this.#deps.resume.closedByClient(connection.resumable);
    countGone(this.#deps.metrics, connection);
    clearTimeout(connection.authorizationTimer);
    connection.expiry?.clear();
    this.#deps.capacity.giveBack(connection.ip);
    this.#deps.departures.begin(connection, byClient);
  }

  /** The apps have been replaced: closes the connections of those that have gone, or are disabled now. */
  async appsReplaced(): Promise<void> {
    await inSlices([...this.#connections], async (connection) => {
      const problem = connection.closed ? undefined : connection.appProblem;
      if (problem !== undefined) this.#deps.close(connection, problem);
    });
  }

  /** Asks every client to reconnect elsewhere; resolves when all have left, or at the end of the time given. */
  async drain(graceMs: number): Promise<void> {
    const { departures, resume, logger } = this.#deps;
    const endMs = Date.now() + graceMs;
    this.#draining = true;
    await closeEvenly([...this.#connections], graceMs, (connection, close) => {
      resume.part(connection, close, Math.max(0, endMs - Date.now()));
    });
    const left = resume.parted().then(() => departures.all());
    await Promise.race([left, delay(Math.max(0, endMs - Date.now()), undefined, { ref: false })]);
    if (departures.size === 0) return;
    logger.warn({ connections: departures.size }, 'stopping before all that was theirs could be given up');
  }

  async #establish(connection: Connection, token: string | undefined): Promise<void> {
    const { quotas, liveness, close, settings, logger } = this.#deps;
    const { app, socketId } = connection;
    const checked =
      token === undefined ? undefined : await this.#deps.checkToken({ app, socketId, token, ip: connection.ip });
    if (connection.closed) return;
    if (checked !== undefined && 'code' in checked) {
      this.#refuse(connection.ip, `/app/${app.key}`, connection.socket, checked);
      return;
    }
    let hasPlace = false;
    await whenReachable(connection, async () => {
      hasPlace = await quotas.connect(app, socketId);
    });
    if (connection.closed) return;
    if (!hasPlace) {
      this.#deps.metrics.refused.add('app-connections');
      this.#refuse(connection.ip, `/app/${app.key}`, connection.socket, ERROR_CODES.overConnectionQuota);
      return;
    }
    connection.send(encodeConnectionEstablished(socketId, settings().activityTimeoutSeconds));
    liveness.watch(connection);
    const timeoutSeconds = app.unauthorizedTimeoutSeconds || (app.requireSignIn ? MAX_UNSIGNED_SECONDS : 0);
    if (timeoutSeconds > 0) {
      connection.authorizationTimer = setTimeout(() => {
        if (!connection.authorized) close(connection, ERROR_CODES.unauthorized);
      }, timeoutSeconds * 1000);
    }
    if (checked !== undefined) await this.#deps.signIn.signIn(connection, checked.signed);
    logger.debug({ appId: app.id, socketId, ip: connection.ip }, 'connection established');
  }

  /** The error comes first: the code of a refused handshake reaches the client only after the upgrade. */
  #refuse(ip: string, path: string, socket: Socket, { code, message }: ErrorCode): void {
    const fields = { ip, path: printable(loggablePath(path)), code, reason: message };
    this.#deps.logger.warn(fields, 'connection refused');
    this.#deps.metrics.connectionsRefused.add(String(code));
    socket.send(encodeError(code, message));
    socket.close(code, message);
  }
}
