import type { Connection, Subscription } from '../connection/connection.ts';
import type { JoinedChannel, Resumable } from '../connection/resumable.ts';
import { whenReachable } from '../connection/when-reachable.ts';
import { BrokerUnavailable } from '../contracts/broker.ts';
import type { ChannelLog } from '../contracts/channel-log.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Position } from '../contracts/position.ts';
import type { SavedSession, SessionStore } from '../contracts/session-store.ts';
import { topicOf } from '../contracts/topic.ts';
import type { LoggedTopics } from '../delivery/logged-topics.ts';

export interface ResumeSettings {
  /** Between two pings that ask up to where a client has received. */
  readonly ackIntervalSeconds: number;
  /** Between two savings of a live connection's positions, by which a crashed node's clients resume. */
  readonly checkpointSeconds: number;
  /** For how long the log reaches back, and so how often it is asked to go on. */
  readonly windowSeconds: number;
}

export interface ResumeDependencies {
  readonly settings: ResumeSettings;
  readonly store: SessionStore;
  readonly log: ChannelLog;
  readonly logged: LoggedTopics;
  readonly logger: Logger;
}

/** A session's own publishes are left out of its replay; this many of its socket ids are remembered for that. */
const MAX_SOCKET_IDS = 8;

/**
 * Channels of earlier connections that were not subscribed to again; those that have waited the longest are forgotten.
 */
const MAX_AWAITED = 1000;

const TICK_MS = 1000;

/** A page that has begun to close its socket is done with it long before this. */
const SETTLING_MS = 2000;

/**
 * Sessions that survive a reconnect, for clients that need not know of it: pings that carry the node's delivery count
 * ask up to where a client has received, since every WebSocket stack echoes a ping's payload. (docs/resume.md)
 */
export class Resume {
  readonly #deps: ResumeDependencies;
  readonly #owners = new Map<string, Connection>();
  /** How many of this node's resumable connections are in a topic: its log is kept while there is any. */
  readonly #kept = new Map<string, number>();
  readonly #slots: Set<Connection>[];
  /** Connections that have joined a channel since they were last saved: a node that crashes now should know of it. */
  readonly #unsaved = new Set<Connection>();
  #slot = 0;
  #keptMs = Date.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(dependencies: ResumeDependencies) {
    this.#deps = dependencies;
    this.#slots = Array.from({ length: dependencies.settings.ackIntervalSeconds }, () => new Set<Connection>());
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Messages may have been missed, and logs lost: fills the gaps and goes on keeping what is kept. */
  restored(): void {
    void this.#deps.logged.repairAll();
    for (const topic of this.#kept.keys()) void this.#keep(topic);
  }

  /** Takes a session over for a new connection; a live one that had it goes on as a plain one. */
  async claim(connection: Connection, session: string): Promise<void> {
    const key = ownerKey(connection, session);
    const resumable: Resumable = {
      session,
      socketIds: [connection.socketId],
      awaited: new Map(),
      joined: new Map(),
      pingedCount: 0,
      acknowledgedCount: 0,
      settledCount: 0,
      unsettled: { count: 0, atMs: 0 },
      superseded: false,
      savedCount: 0,
      savedMs: Date.now(),
    };
    await whenReachable(connection, async () => {
      const older = this.#owners.get(key);
      // Its positions are newer here than in the store.
      if (older !== undefined) await this.save(older);
      const saved = await this.#deps.store.claim(connection.app.id, session, connection.socketId);
      if (older?.resumable !== undefined) older.resumable.superseded = true;
      if (saved === undefined) return;
      resumable.socketIds = [...saved.socketIds.slice(1 - MAX_SOCKET_IDS), connection.socketId];
      const channels = [...saved.channels].slice(-MAX_AWAITED);
      for (const [channel, position] of channels) resumable.awaited.set(channel, position);
    });
    if (connection.closed) return;
    connection.resumable = resumable;
    this.#owners.set(key, connection);
    this.#slots[Math.floor(Math.random() * this.#slots.length)]?.add(connection);
  }

  /**
   * In the step in which the socket joins, and after its replay was sent: from now on the client stands where the node
   * does, once it has acknowledged as much.
   *
   * @param resumedFrom where the client stood before: as long as it has not acknowledged what it was sent on joining,
   *   it is to be sent that again, be it a replay or the word of a gap
   */
  joined(connection: Connection, resumable: Resumable, subscription: Subscription, resumedFrom?: Position): void {
    const { logged } = this.#deps;
    const { channel, topic } = subscription;
    const joinedAt = logged.position(topic);
    if (joinedAt === undefined) return;
    resumable.awaited.delete(channel);
    const joinedCount = logged.nextCount();
    resumable.joined.set(channel, { topic, joinedAt, joinedCount, resumedFrom: resumedFrom ?? joinedAt });
    this.#kept.set(topic, (this.#kept.get(topic) ?? 0) + 1);
    this.#unsaved.add(connection);
  }

  /** The client has left a channel of its own will. */
  left({ resumable }: Connection, subscription: Subscription): void {
    if (resumable?.joined.delete(subscription.channel) === true) this.#unkeep(subscription.topic);
  }

  /** A pong has come back with the count that a ping carried. */
  acknowledged(resumable: Resumable, payload: string): void {
    const count = Number(payload);
    // A client can only have received what it was asked about.
    if (!(count > resumable.acknowledgedCount && count <= resumable.pingedCount)) return;
    resumable.acknowledgedCount = count;
    const nowMs = Date.now();
    if (nowMs - resumable.unsettled.atMs < SETTLING_MS) return;
    resumable.settledCount = resumable.unsettled.count;
    resumable.unsettled = { count, atMs: nowMs };
  }

  /** What a ping to this connection carries. */
  pingPayload(resumable: Resumable): string {
    resumable.pingedCount = this.#deps.logged.count;
    return String(resumable.pingedCount);
  }

  /**
   * The connection has ended: what it had acknowledged is saved, before its subscriptions go.
   *
   * @param byClient a browser answers pings while its page's socket is already closing, and drops what it receives
   *   then: of a connection that its client has closed, only what was acknowledged some time before counts
   */
  async ended(connection: Connection, byClient: boolean): Promise<void> {
    const { resumable } = connection;
    if (resumable === undefined) return;
    if (byClient) resumable.acknowledgedCount = settledCount(resumable);
    for (const slot of this.#slots) slot.delete(connection);
    this.#unsaved.delete(connection);
    await this.save(connection);
    const key = ownerKey(connection, resumable.session);
    if (this.#owners.get(key) === connection) this.#owners.delete(key);
    for (const { topic } of resumable.joined.values()) this.#unkeep(topic);
    resumable.joined.clear();
  }

  async save(connection: Connection): Promise<void> {
    const { resumable, app, socketId } = connection;
    if (resumable === undefined || resumable.superseded) return;
    const { acknowledgedCount } = resumable;
    const channels = new Map<string, Position>(resumable.awaited);
    for (const [channel, joined] of resumable.joined) channels.set(channel, this.#standing(resumable, joined));
    const saved: SavedSession = { socketIds: resumable.socketIds, channels };
    try {
      if (!(await this.#deps.store.save(app.id, resumable.session, socketId, saved))) resumable.superseded = true;
      resumable.savedCount = acknowledgedCount;
      resumable.savedMs = Date.now();
    } catch (error) {
      const fields = { appId: app.id, socketId };
      if (error instanceof BrokerUnavailable) {
        this.#deps.logger.debug(fields, 'a session was not saved: the shared state is away');
      } else {
        this.#deps.logger.error({ err: error, ...fields }, 'a session was not saved');
      }
    }
  }

  /** Up to where the client has surely received. */
  #standing(resumable: Resumable, joined: JoinedChannel): Position {
    if (resumable.acknowledgedCount < joined.joinedCount) return joined.resumedFrom;
    const known = this.#deps.logged.positionAt(joined.topic, resumable.acknowledgedCount);
    if (known === undefined) return joined.joinedAt;
    return known.epoch === joined.joinedAt.epoch && known.offset < joined.joinedAt.offset ? joined.joinedAt : known;
  }

  #unkeep(topic: string): void {
    const count = (this.#kept.get(topic) ?? 0) - 1;
    if (count > 0) this.#kept.set(topic, count);
    else this.#kept.delete(topic);
  }

  #tick(): void {
    this.#slot = (this.#slot + 1) % this.#slots.length;
    for (const connection of this.#unsaved) {
      // What was sent on joining may be a whole replay: it is asked about before its turn.
      this.#ask(connection);
      void this.save(connection);
    }
    this.#unsaved.clear();
    for (const connection of this.#slots[this.#slot] ?? []) this.#attend(connection);
    if (Date.now() - this.#keptMs >= (this.#deps.settings.windowSeconds * 1000) / 3 - TICK_MS) {
      this.#keptMs = Date.now();
      for (const topic of this.#kept.keys()) void this.#keep(topic);
    }
  }

  /** Asks for an acknowledgement where there is something to acknowledge, and saves what was acknowledged. */
  #attend(connection: Connection): void {
    const { resumable } = connection;
    if (resumable === undefined || resumable.superseded || connection.closed) return;
    this.#ask(connection);
    const due = Date.now() - resumable.savedMs >= this.#deps.settings.checkpointSeconds * 1000;
    if (due && resumable.acknowledgedCount > resumable.savedCount) void this.save(connection);
  }

  #ask({ resumable, closed, socket }: Connection): void {
    if (resumable === undefined || resumable.superseded || closed || !this.#hasUnasked(resumable)) return;
    socket.ping(this.pingPayload(resumable));
  }

  #hasUnasked(resumable: Resumable): boolean {
    const { logged } = this.#deps;
    if (logged.count === resumable.pingedCount) return false;
    for (const { topic, joinedCount } of resumable.joined.values()) {
      if (joinedCount > resumable.pingedCount || logged.hasDeliveredSince(topic, resumable.pingedCount)) return true;
    }
    return false;
  }

  async #keep(topic: string): Promise<void> {
    try {
      await this.#deps.log.keep(topic);
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) {
        this.#deps.logger.error({ err: error, topic }, "a channel's log could not be kept");
      }
    }
  }
}

function settledCount({ settledCount, unsettled }: Resumable): number {
  return Date.now() - unsettled.atMs < SETTLING_MS ? settledCount : unsettled.count;
}

function ownerKey(connection: Connection, session: string): string {
  return topicOf(connection.app.id, session);
}
