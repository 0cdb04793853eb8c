import type { Cluster } from '../cluster/cluster.ts';
import type { Connection, Subscription } from '../connection/connection.ts';
import { NODE_TURNS } from '../connection/node-turns.ts';
import type { Resumable } from '../connection/resumable.ts';
import type { ChannelLog } from '../contracts/channel-log.ts';
import type { Current } from '../contracts/current.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Position } from '../contracts/position.ts';
import type { SessionStore } from '../contracts/session-store.ts';
import type { LoggedTopics } from '../delivery/logged-topics.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { KeptLogs } from './kept-logs.ts';
import { Partings } from './partings.ts';
import { Sessions } from './sessions.ts';

export interface ResumeSettings {
  /** A client that is sent little is asked so often up to where it has received; a busy one about once a second. */
  readonly ackIntervalSeconds: number;
  /** Between two savings of a live connection's positions, by which a crashed node's clients resume. */
  readonly checkpointSeconds: number;
  /** For how long the log reaches back, and so how often it is asked to go on. */
  readonly windowSeconds: number;
}

export interface ResumeDependencies {
  readonly settings: Current<ResumeSettings>;
  readonly store: SessionStore;
  readonly log: ChannelLog;
  readonly logged: LoggedTopics;
  readonly cluster: Cluster;
  readonly logger: Logger;
}

const TICK_MS = 200;
/** Each tick attends to one of these: to each connection about once a second. */
const SLOTS = 6;

/** To look whether anything was delivered on so many channels takes as long as what a client asks for by a message. */
const CHANNELS_LOOKED_AT_LIKE_A_MESSAGE = 200;

/**
 * Resumable connections from claim to end: when they are asked what they have received, and when that is saved.
 * (docs/resume.md)
 */
export class Resume {
  readonly #logged: LoggedTopics;
  readonly #acknowledgements: Acknowledgements;
  readonly #sessions: Sessions;
  readonly #keptLogs: KeptLogs;
  readonly #partings: Partings;
  readonly #settings: Current<ResumeSettings>;
  readonly #slots = Array.from({ length: SLOTS }, () => new Set<Connection>());
  /** Connections that have joined a channel since they were last saved: a node that crashes now should know of it. */
  readonly #unsaved = new Set<Connection>();
  /** Those of the above whose connections are being looked at, in turns of the node. */
  readonly #goneThrough = new Set<Set<Connection>>();
  #slot = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ settings, store, log, logged, cluster, logger }: ResumeDependencies) {
    this.#settings = settings;
    this.#logged = logged;
    this.#acknowledgements = new Acknowledgements(logged, () => settings().ackIntervalSeconds);
    this.#sessions = new Sessions({ store, acknowledgements: this.#acknowledgements, cluster, logger });
    this.#partings = new Partings(this.#acknowledgements, this.#sessions);
    this.#keptLogs = new KeptLogs(log, () => settings().windowSeconds, logger);
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
    void this.#logged.repairAll();
    void this.#keptLogs.askAll();
  }

  /**
   * Takes a session over for a new connection, from whichever connection had it. If that is another page's, neither
   * resumes from now on. (resume/sessions.ts)
   */
  async claim(connection: Connection, session: string): Promise<void> {
    await this.#sessions.claim(connection, session);
    if (connection.resumable === undefined) return;
    this.#slots[Math.floor(Math.random() * this.#slots.length)]?.add(connection);
  }

  /**
   * In the step in which the socket joins, and before its replay is sent: from now on the client stands where the node
   * does, once it has acknowledged as much.
   *
   * @param resumedFrom where the client stood before: as long as it has not acknowledged what it was sent on joining,
   *   it is to be sent that again, be it a replay or the word of a gap
   */
  joined(connection: Connection, resumable: Resumable, subscription: Subscription, resumedFrom?: Position): void {
    const { channel, topic } = subscription;
    const joinedAt = this.#logged.position(topic);
    if (joinedAt === undefined) return;
    resumable.awaited.delete(channel);
    const joinedCount = this.#logged.nextCount();
    resumable.joined.set(channel, { topic, joinedAt, joinedCount, resumedFrom: resumedFrom ?? joinedAt });
    this.#keptLogs.add(topic);
    this.#unsaved.add(connection);
  }

  /** The client has left a channel of its own will. */
  left({ resumable }: Connection, subscription: Subscription): void {
    if (resumable?.joined.delete(subscription.channel) === true) this.#keptLogs.remove(subscription.topic);
  }

  /** A pong has come back with the count that a ping carried. */
  acknowledged(connection: Connection, resumable: Resumable, payload: string): void {
    this.#sessions.answered(connection, resumable, payload);
    this.#acknowledgements.received(resumable, payload);
    this.#partings.acknowledged(resumable);
  }

  /** Something was just delivered on a topic. */
  delivered(topic: string): void {
    this.#acknowledgements.delivered(topic);
  }

  /** What a ping to this connection carries. */
  pingPayload(resumable: Resumable): string {
    return this.#acknowledgements.pingPayload(resumable);
  }

  /** The frame that is being delivered has not reached the client, and no later one will. */
  fellBehind(resumable: Resumable): void {
    this.#acknowledgements.endBefore(resumable);
  }

  /**
   * Closes a connection that is to come back: one that resumes has acknowledged what it was sent by then, or had a
   * second for it.
   *
   * @param close is called at once for a connection that does not resume
   */
  part(connection: Connection, close: () => void, patienceMs?: number): void {
    this.#partings.begin(connection, close, patienceMs);
  }

  /** Resolves when all that part have been closed. */
  async parted(): Promise<void> {
    await this.#partings.all();
  }

  /** The client has closed the connection, of its own accord. */
  closedByClient(resumable: Resumable): void {
    this.#acknowledgements.closedByClient(resumable);
  }

  /** The connection has ended: what it had acknowledged is saved, before its subscriptions go. */
  async ended(connection: Connection): Promise<void> {
    const { resumable } = connection;
    if (resumable === undefined) return;
    this.#partings.gone(resumable);
    this.#acknowledgements.forget(connection, resumable);
    for (const slot of this.#slots) slot.delete(connection);
    this.#unsaved.delete(connection);
    await this.#sessions.ended(connection, resumable);
    for (const { topic } of resumable.joined.values()) this.#keptLogs.remove(topic);
    resumable.joined.clear();
  }

  #tick(): void {
    this.#slot = (this.#slot + 1) % SLOTS;
    const slot = this.#slots[this.#slot];
    if (slot !== undefined) void this.#inTurns(slot, (connection) => this.#attend(connection));
    if (this.#slot > 0) return;
    void this.#inTurns(this.#unsaved, (connection) => {
      this.#unsaved.delete(connection);
      // What was sent on joining may be a whole replay: it is asked about before its turn.
      this.#acknowledgements.ask(connection);
      void this.#sessions.save(connection);
    });
    void this.#keptLogs.attend(SLOTS * TICK_MS);
  }

  /** Unless they are still being gone through since last time: then this node has too much to do. */
  async #inTurns(connections: Set<Connection>, act: (connection: Connection) => void): Promise<void> {
    if (this.#goneThrough.has(connections)) return;
    this.#goneThrough.add(connections);
    try {
      for (const connection of [...connections]) {
        const channels = connection.resumable?.joined.size ?? 0;
        const turn = NODE_TURNS.take((1 + channels) / CHANNELS_LOOKED_AT_LIKE_A_MESSAGE);
        if (turn !== undefined) await turn;
        if (connections.has(connection)) act(connection);
      }
    } finally {
      this.#goneThrough.delete(connections);
    }
  }

  /** Asks for an acknowledgement, and saves what was acknowledged. */
  #attend(connection: Connection): void {
    const { resumable } = connection;
    if (resumable === undefined || resumable.superseded || connection.closed) return;
    this.#acknowledgements.attend(connection);
    const isDue = Date.now() - resumable.savedMs >= this.#settings().checkpointSeconds * 1000;
    if (isDue && resumable.acknowledgedCount > resumable.savedCount) void this.#sessions.save(connection);
  }
}
