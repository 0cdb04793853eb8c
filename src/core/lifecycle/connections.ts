import { setTimeout as delay } from 'node:timers/promises';
import { printable } from '../../protocol/channel-name.ts';
import { ERROR_CODES, type ErrorCode } from '../../protocol/error-codes.ts';
import {
  type ClientFrame,
  decodeFrame,
  encodeConnectionEstablished,
  encodeError,
  PONG_FRAME,
} from '../../protocol/frames.ts';
import { SocketIdSequence } from '../../protocol/socket-id.ts';
import { Connection } from '../connection/connection.ts';
import { Deadline } from '../connection/deadline.ts';
import { whenReachable } from '../connection/when-reachable.ts';
import type { App, AppRegistry } from '../contracts/app.ts';
import { BrokerUnavailable } from '../contracts/broker.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Quotas } from '../contracts/quotas.ts';
import type { Socket } from '../contracts/transport.ts';
import { LocalTopics } from '../delivery/local-topics.ts';
import { Replay } from '../resume/replay.ts';
import { Resume } from '../resume/resume.ts';
import type { Identity } from '../subscriptions/channel-data.ts';
import { CLIENT_EVENT_PREFIX, ClientEvents } from '../subscriptions/client-events.ts';
import { LocalUsers } from '../subscriptions/local-users.ts';
import { SignIn } from '../subscriptions/sign-in.ts';
import { SubscriptionCounts } from '../subscriptions/subscription-counts.ts';
import { Subscriptions } from '../subscriptions/subscriptions.ts';
import type { ConnectionsDependencies, ConnectionsSettings } from './connections-options.ts';
import { Departures } from './departures.ts';
import { closeEvenly } from './drain.ts';
import { checkHandshake, type Handshake } from './handshake.ts';
import { Liveness } from './liveness.ts';
import { NodeCapacity } from './node-capacity.ts';
import { loggablePath } from './resume-token.ts';

/**
 * An upgrade over a connection that a proxy has kept open. Not 4200: before it is established, a client would try
 * without a pause.
 */
const STOPPING: ErrorCode = { ...ERROR_CODES.overCapacity, message: 'The server is stopping: please reconnect' };

/** What a connection is from open to close: the dispatch table of the wire. */
export class Connections {
  readonly #settings: ConnectionsSettings;
  readonly #apps: AppRegistry;
  readonly #quotas: Quotas;
  readonly #logger: Logger;
  readonly #ids = new SocketIdSequence();
  readonly #connections = new Set<Connection>();
  readonly #capacity: NodeCapacity;
  readonly #liveness: Liveness;
  readonly #resume: Resume;
  readonly #users: LocalUsers;
  readonly #counts: SubscriptionCounts;
  readonly #subscriptions: Subscriptions;
  readonly #signIn: SignIn;
  readonly #clientEvents: ClientEvents;
  readonly #departures = new Departures();
  #draining = false;

  constructor(dependencies: ConnectionsDependencies) {
    const { settings, apps, broker, roster, quotas, log, sessionStore, delivery, logger } = dependencies;
    this.#settings = settings;
    this.#capacity = new NodeCapacity(settings);
    this.#apps = apps;
    this.#quotas = quotas;
    this.#logger = logger;
    const { logged } = delivery;
    const topics = new LocalTopics(broker, logged);
    const resume = new Resume({ settings: settings.resume, store: sessionStore, log, logged, logger });
    const replay = new Replay(log, logged, resume);
    this.#resume = resume;
    const authorized = (connection: Connection, identity: Identity | undefined) =>
      this.#authorized(connection, identity);
    this.#liveness = new Liveness(
      settings,
      (connection) => this.#ping(connection),
      (connection, cause) => this.closeFor(connection, cause),
    );
    this.#users = new LocalUsers(broker, topics, delivery, (connection) =>
      this.closeFor(connection, { ...ERROR_CODES.unauthorized, message: 'Disconnected by the application' }),
    );
    this.#counts = new SubscriptionCounts(broker);
    const counts = this.#counts;
    this.#subscriptions = new Subscriptions({
      broker,
      delivery,
      roster,
      topics,
      counts,
      replay,
      resume,
      logger,
      authorized,
    });
    this.#signIn = new SignIn({ roster, topics, logger, authorized });
    this.#clientEvents = new ClientEvents(broker);
  }

  get size(): number {
    return this.#connections.size;
  }

  start(): void {
    this.#liveness.start();
    this.#resume.start();
  }

  /** The broker was away and has come back. */
  restored(): void {
    this.#resume.restored();
  }

  /** A client has connected. Undefined where it was refused: the socket is then closed already. */
  open(handshake: Handshake, socket: Socket): Connection | undefined {
    const outcome = checkHandshake(handshake, this.#apps);
    if (outcome.app === undefined) {
      this.#refuse(handshake.ip, handshake.path, socket, outcome.refusal);
      return undefined;
    }
    const full = this.#draining ? STOPPING : this.#capacity.problem(handshake.ip);
    if (full !== undefined) {
      this.#refuse(handshake.ip, handshake.path, socket, full);
      return undefined;
    }
    const connection = new Connection(outcome.app, this.#ids.next(), handshake.ip, socket, this.#liveness.nowMs);
    this.#connections.add(connection);
    this.#capacity.take(connection.ip);
    // What the client sends meanwhile waits its turn behind this.
    this.#enqueue(connection, () => this.#establish(connection, outcome.session));
    return connection;
  }

  /** A text frame. */
  message(connection: Connection, text: string): void {
    this.#liveness.seen(connection);
    if (connection.closed) return;
    const frame = decodeFrame(text);
    if (typeof frame === 'string') connection.sendError(null, frame);
    else this.#dispatch(connection, frame);
  }

  /** A ping of the peer's own. */
  seen(connection: Connection): void {
    this.#liveness.seen(connection);
  }

  /** @param payload the ping's that it answers */
  pong(connection: Connection, payload: string): void {
    this.#liveness.seen(connection);
    if (connection.resumable !== undefined) this.#resume.acknowledged(connection.resumable, payload);
  }

  /** The socket has gone. @param byClient with a close frame of the client's own accord */
  closed(connection: Connection, byClient: boolean): void {
    if (!this.#connections.delete(connection)) return;
    connection.closed = true;
    clearTimeout(connection.authorizationTimer);
    connection.expiry?.clear();
    this.#capacity.giveBack(connection.ip);
    const left = new Promise<void>((resolve) => {
      connection.finish(async () => {
        await this.#leave(connection, byClient);
        resolve();
      });
    });
    this.#departures.add(left);
  }

  /** Closes a connection for a cause that its log line tells. */
  closeFor(connection: Connection, cause: ErrorCode): void {
    if (connection.closed) return;
    const { socketId, ip, app } = connection;
    this.#logger.warn({ appId: app.id, socketId, ip, code: cause.code, reason: cause.message }, 'connection closed');
    if (cause.code < ERROR_CODES.overCapacity.code) connection.sendError(cause.code, cause.message);
    connection.socket.close(cause.code, cause.message);
  }

  async terminate(app: App, userId: string): Promise<void> {
    await this.#users.terminate(app, userId);
  }

  /** Asks every client to reconnect elsewhere; resolves when all have left, or at the end of the time given. */
  async drain(graceMs: number): Promise<void> {
    const endMs = Date.now() + graceMs;
    this.#draining = true;
    await closeEvenly([...this.#connections], graceMs);
    await Promise.race([this.#departures.all(), delay(Math.max(0, endMs - Date.now()), undefined, { ref: false })]);
    if (this.#departures.size > 0) {
      this.#logger.warn(
        { connections: this.#departures.size },
        'stopping before all that was theirs could be given up',
      );
    }
    this.#liveness.stop();
    this.#resume.stop();
    this.#counts.close();
  }

  async #establish(connection: Connection, session: string | undefined): Promise<void> {
    const { app, socketId } = connection;
    let hasPlace = false;
    await whenReachable(connection, async () => {
      hasPlace = await this.#quotas.connect(app, socketId);
    });
    if (connection.closed) return;
    if (!hasPlace) {
      this.#refuse(connection.ip, `/app/${app.key}`, connection.socket, ERROR_CODES.overConnectionQuota);
      return;
    }
    connection.send(encodeConnectionEstablished(socketId, this.#settings.activityTimeoutSeconds));
    this.#liveness.watch(connection);
    if (app.unauthorizedTimeoutSeconds > 0) {
      connection.authorizationTimer = setTimeout(() => {
        if (!connection.authorized) this.closeFor(connection, ERROR_CODES.unauthorized);
      }, app.unauthorizedTimeoutSeconds * 1000);
    }
    this.#logger.debug({ appId: app.id, socketId, ip: connection.ip }, 'connection established');
    if (session !== undefined) await this.#resume.claim(connection, session);
  }

  #dispatch(connection: Connection, frame: ClientFrame): void {
    switch (frame.event) {
      // Answered out of turn: it asks whether the server lives, not whether its shared state does.
      case 'pusher:ping':
        connection.send(PONG_FRAME);
        return;
      case 'pusher:pong':
        return;
      case 'pusher:subscribe':
        this.#enqueue(connection, () => this.#subscriptions.subscribe(connection, frame.data));
        return;
      case 'pusher:unsubscribe':
        this.#enqueue(connection, () => this.#subscriptions.unsubscribe(connection, frame.data));
        return;
      case 'pusher:signin':
        this.#enqueue(connection, () => this.#signIn.signIn(connection, frame.data));
        return;
      default:
        if (frame.event.startsWith(CLIENT_EVENT_PREFIX)) {
          this.#enqueue(connection, () => this.#clientEvents.trigger(connection, frame, this.#liveness.nowMs));
        } else {
          const message = `Unknown event '${printable(frame.event)}': client events begin with client-`;
          connection.sendError(null, message);
        }
    }
  }

  #enqueue(connection: Connection, task: () => Promise<void>): void {
    if (connection.closed) return;
    if (connection.enqueue(() => this.#guard(connection, task))) return;
    const message = 'Too many messages wait to be handled';
    this.closeFor(connection, { ...ERROR_CODES.overCapacity, message });
  }

  /** A fault in one client's task is that client's alone. */
  async #guard(connection: Connection, task: () => Promise<void>): Promise<void> {
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

  #ping(connection: Connection): void {
    const { resumable, socket } = connection;
    socket.ping(resumable === undefined ? '' : this.#resume.pingPayload(resumable));
  }

  /** Gives up all that a connection had; what fails keeps nothing else. */
  async #leave(connection: Connection, byClient: boolean): Promise<void> {
    await this.#guard(connection, () => this.#resume.ended(connection, byClient));
    await this.#guard(connection, () => this.#subscriptions.leaveAll(connection));
    await this.#guard(connection, () => this.#signIn.signOut(connection));
    await this.#guard(connection, () => this.#users.removeAll(connection));
    await this.#guard(connection, () => this.#quotas.disconnect(connection.app, connection.socketId));
    this.#logger.debug({ appId: connection.app.id, socketId: connection.socketId }, 'connection left');
  }

  async #authorized(connection: Connection, identity: Identity | undefined): Promise<void> {
    connection.authorized = true;
    clearTimeout(connection.authorizationTimer);
    if (identity === undefined) return;
    if (!connection.userIds.has(identity.userId)) await this.#users.add(connection, identity.userId);
    // The shared state may have been waited for: a connection that has gone needs no deadline.
    if (!this.#settings.closeOnTokenExpiry || identity.expiresAt === undefined || connection.closed) return;
    // The latest token counts: a client that renews its token keeps its connection.
    connection.expiry ??= new Deadline();
    connection.expiry.set(identity.expiresAt * 1000, () => {
      this.closeFor(connection, { ...ERROR_CODES.reconnect, message: 'The token has expired' });
    });
  }

  /** The error comes first: the code of a refused handshake reaches the client only after the upgrade. */
  #refuse(ip: string, path: string, socket: Socket, { code, message }: ErrorCode): void {
    const fields = { ip, path: printable(loggablePath(path)), code, reason: message };
    this.#logger.warn(fields, 'connection refused');
    socket.send(encodeError(code, message));
    socket.close(code, message);
  }
}
