import type { ChannelKind } from '../../protocol/channel-name.ts';
import { ERROR_CODES, type ErrorCode } from '../../protocol/error-codes.ts';
import { encodeError } from '../../protocol/frames.ts';
import type { App, AppRegistry } from '../contracts/app.ts';
import type { TokenFacts } from '../contracts/revocations.ts';
import type { Member } from '../contracts/roster.ts';
import type { Socket } from '../contracts/transport.ts';
import { Burst } from './burst.ts';
import type { Deadline } from './deadline.ts';
import { RateWindow } from './rate-window.ts';
import type { Resumable } from './resumable.ts';
import { TaskQueue } from './task-queue.ts';

/** One channel that a connection is subscribed to. */
export interface Subscription {
  readonly channel: string;
  readonly topic: string;
  readonly kind: ChannelKind;
  /** Presence channels only. */
  readonly member: Member | undefined;
  readonly joinedAtMs: number;
}

/** Whom a connection has signed in as. */
export interface SignedInUser {
  readonly id: string;
  /** JSON of `user_info`, if the user has any. */
  readonly info: string | undefined;
  readonly watchTopics: readonly string[];
}

export interface ConnectionOptions {
  readonly apps: AppRegistry;
  readonly app: App;
  readonly socketId: string;
  readonly ip: string;
  /** The origin of the page that connected; empty if it was no browser. */
  readonly origin: string;
  readonly socket: Socket;
  /** What the node's coarse clock says. */
  readonly nowMs: number;
}

/** What the server keeps for one client. */
export class Connection {
  readonly socketId: string;
  readonly ip: string;
  readonly origin: string;
  readonly openedAtMs: number;
  readonly socket: Socket;
  readonly subscriptions = new Map<string, Subscription>();
  /** Ids that signatures have named: by sign-in, or by the `channel_data` of a guarded channel. */
  readonly userIds = new Set<string>();
  /** What the latest token of each of them says of itself. */
  readonly tokens = new Map<string, TokenFacts>();
  readonly clientEvents = new RateWindow();
  readonly subscribing = new RateWindow();
  /** Of what it asks for that needs the shared state. */
  readonly asking: Burst;
  user: SignedInUser | undefined;
  /** A digest of the token, where the client's path names a session that survives reconnects. */
  session: string | undefined;
  /** From its first subscription on. */
  resumable: Resumable | undefined;
  /** Has signed in or joined a guarded channel. */
  authorized = false;
  /** Public channels that it has asked for, and will join once it is authorized. */
  readonly awaiting = new Set<string>();
  closed = false;
  closedMs = 0;
  /** It is about to be closed by the server: nothing that the client asks for begins any more. */
  isParting = false;
  /** When anything last came from the client, by the node's coarse clock. */
  lastSeenMs: number;
  /** When a ping was sent that nothing has followed yet; 0 when none is out. */
  pingSentMs = 0;
  /** Runs until the client's latest token ends, if the server is to close the connection then. */
  expiry: Deadline | undefined;
  authorizationTimer: NodeJS.Timeout | undefined;
  readonly tasks = new TaskQueue();
  readonly #apps: AppRegistry;
  #app: App;

  constructor({ apps, app, socketId, ip, origin, socket, nowMs }: ConnectionOptions) {
    this.#apps = apps;
    this.#app = app;
    this.socketId = socketId;
    this.ip = ip;
    this.origin = origin;
    this.openedAtMs = nowMs;
    this.asking = new Burst(app.limits.channelsAtOnce, nowMs);
    this.socket = socket;
    this.lastSeenMs = nowMs;
  }

  /** As it is configured now. Of one that has gone, what it was: the connection is being closed. */
  get app(): App {
    const found = this.#apps.findByKey(this.#app.key);
    // Another app may have been given the key: this connection's channels are not its own.
    if (found?.id === this.#app.id) this.#app = found;
    return this.#app;
  }

  /** Why the connection may not go on with the apps as they are configured now, or undefined. */
  get appProblem(): ErrorCode | undefined {
    const found = this.#apps.findByKey(this.#app.key);
    if (found === undefined) return ERROR_CODES.appNotFound;
    if (found.id !== this.#app.id) return { ...ERROR_CODES.reconnect, message: 'The key belongs to another app now' };
    return found.enabled ? undefined : ERROR_CODES.appDisabled;
  }

  send(frame: string): void {
    this.socket.send(frame);
  }

  /**
   * Tells the client of something it did wrong; the connection stays. A channel whose name is too long to be one is
   * not repeated.
   */
  sendError(code: number | null, message: string, channel?: string): void {
    const isName = channel !== undefined && channel.length <= this.app.limits.maxChannelNameLength;
    this.socket.send(encodeError(code, message, isName ? channel : undefined));
  }
}
