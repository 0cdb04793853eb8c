import type { Cluster } from '../cluster/cluster.ts';
import { addressBlock } from '../connection/address-block.ts';
import type { Connection } from '../connection/connection.ts';
import { NODE_TURNS } from '../connection/node-turns.ts';
import type { Resumable } from '../connection/resumable.ts';
import { whenReachable } from '../connection/when-reachable.ts';
import { BrokerUnavailable } from '../contracts/broker.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Position } from '../contracts/position.ts';
import type { ClaimedSession, SavedSession, SessionOwner, SessionStore } from '../contracts/session-store.ts';
import { topicOf } from '../contracts/topic.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import { type Handover, Handovers, NOTHING } from './handovers.ts';
import { LeftSessions } from './left-sessions.ts';
import { Probes } from './probes.ts';

/** A session's own publishes are left out of its replay; this many of its socket ids are remembered for that. */
const MAX_SOCKET_IDS = 8;

/** Channels of earlier connections that were not subscribed to again; those that have waited longest are forgotten. */
const MAX_AWAITED_CHANNELS = 1000;

/** To write down where a client stands on so many channels takes as long as what it asks for by a message. */
const CHANNELS_SAVED_LIKE_A_MESSAGE = 40;

export interface SessionsDependencies {
  readonly store: SessionStore;
  readonly acknowledgements: Acknowledgements;
  readonly cluster: Cluster;
  readonly logger: Logger;
}

/** Sessions that survive a reconnect: which connection of this node has which, and what is saved of them. */
export class Sessions {
  readonly #store: SessionStore;
  readonly #acknowledgements: Acknowledgements;
  readonly #logger: Logger;
  readonly #handovers: Handovers;
  readonly #probes: Probes;
  /** Connections that have a session, until another one has asked for it or it is released. */
  readonly #owners = new Map<string, Connection>();
  readonly #left = new LeftSessions();

  constructor({ store, acknowledgements, cluster, logger }: SessionsDependencies) {
    this.#store = store;
    this.#acknowledgements = acknowledgements;
    this.#logger = logger;
    this.#handovers = new Handovers(cluster, (key) => this.#handOver(key));
    this.#probes = new Probes((connection) => void this.#share(connection));
  }

  /**
   * Takes a session over for a new connection. An older one that has not ended is asked where its client stands,
   * whichever node has it. If its page is still there, two pages use one token: from now on neither of them resumes.
   */
  async claim(connection: Connection, session: string): Promise<void> {
    const resumable = newResumable(connection, session);
    const owner = this.#ownerOf(connection, session);
    const key = ownerKey(connection, session);
    let claimed: ClaimedSession | undefined;
    await whenReachable(connection, async () => {
      claimed = await this.#store.claim(owner);
    });
    if (claimed === undefined) return;
    const { holder } = claimed;
    const handover = holder === undefined || claimed.isShared ? NOTHING : await this.#handovers.ask(holder, key);
    connection.resumable = resumable;
    if (handover.isShared || claimed.isShared) {
      resumable.superseded = true;
      return;
    }
    this.#owners.set(key, connection);
    const saved = handover.saved ?? claimed.saved;
    if (saved === undefined) return;
    resumable.socketIds = [...saved.socketIds.slice(1 - MAX_SOCKET_IDS), connection.socketId];
    const channels = [...saved.channels].slice(-MAX_AWAITED_CHANNELS);
    for (const [channel, position] of channels) resumable.awaited.set(channel, position);
  }

  /** Saves up to where the client has received. Never rejects. */
  async save(connection: Connection): Promise<void> {
    await this.#save(connection, (owner, saved) => this.#store.save(owner, saved));
  }

  /**
   * The same, of a connection that is sent nothing any more: whoever claims the session next need not ask for it.
   * False if it was not saved: another connection may have claimed it.
   */
  async release(connection: Connection): Promise<boolean> {
    return await this.#save(connection, (owner, saved) => this.#store.release(owner, saved));
  }

  /** The connection has ended. Never rejects. */
  async ended(connection: Connection, resumable: Resumable): Promise<void> {
    const isReleased = await this.release(connection);
    const key = ownerKey(connection, resumable.session);
    const isOwner = this.#owners.get(key) === connection;
    if (isOwner) this.#owners.delete(key);
    if (isReleased) return;
    const saved = this.#stand(resumable);
    this.#probes.left(resumable, saved);
    if (isOwner) this.#left.leave(key, saved);
  }

  /** A pong has come back. */
  answered(connection: Connection, resumable: Resumable, payload: string): void {
    this.#probes.answered(connection, resumable, payload);
  }

  /** Another connection has claimed the session: gives where its client stands, and lets it go. */
  async #handOver(key: string): Promise<Handover> {
    const connection = this.#owners.get(key);
    const resumable = connection?.resumable;
    if (connection === undefined || resumable === undefined) return { saved: this.#left.take(key), isShared: false };
    resumable.superseded = true;
    this.#owners.delete(key);
    // It was asked all there is to ask, or there is nobody to ask.
    if (connection.isParting || connection.closed) return { saved: this.#stand(resumable), isShared: false };
    const found = await this.#probes.find(connection, resumable);
    if (found === 'there') {
      void this.#share(connection);
      return { saved: undefined, isShared: true };
    }
    return { saved: found === 'silent' ? this.#stand(resumable) : found.left, isShared: false };
  }

  /** The page of a connection whose session another one has claimed is there: they share it. Never rejects. */
  async #share(connection: Connection): Promise<void> {
    const { resumable } = connection;
    if (resumable === undefined) return;
    const { app, socketId, ip } = connection;
    const fields = { appId: app.id, socketId, ip };
    this.#logger.warn(fields, 'two pages use one resume token, and so neither resumes: each needs a token of its own');
    const share = () => this.#store.share(this.#ownerOf(connection, resumable.session));
    try {
      // Even if it closes meanwhile: its page is to be told when it is back.
      await share().catch(async (error: unknown) => {
        if (!(error instanceof BrokerUnavailable)) throw error;
        await whenReachable(connection, share);
      });
    } catch (error) {
      this.#logger.error({ err: error, ...fields }, 'a session was not marked as shared');
    }
  }

  /** Where the client stands, on each of its channels. */
  #stand(resumable: Resumable): SavedSession {
    const channels = new Map<string, Position>(resumable.awaited);
    for (const [channel, joined] of resumable.joined) {
      channels.set(channel, this.#acknowledgements.position(resumable, joined));
    }
    return { socketIds: resumable.socketIds, channels };
  }

  async #save(
    connection: Connection,
    write: (owner: SessionOwner, saved: SavedSession) => Promise<boolean>,
  ): Promise<boolean> {
    const { resumable, app, socketId } = connection;
    if (resumable === undefined) return false;
    const turn = NODE_TURNS.take(1 + resumable.joined.size / CHANNELS_SAVED_LIKE_A_MESSAGE);
    if (turn !== undefined) await turn;
    if (resumable.superseded) return false;
    const { acknowledgedCount, session } = resumable;
    try {
      const isSaved = await write(this.#ownerOf(connection, session), this.#stand(resumable));
      if (!isSaved) resumable.superseded = true;
      resumable.savedCount = acknowledgedCount;
      resumable.savedMs = Date.now();
      return isSaved;
    } catch (error) {
      const fields = { appId: app.id, socketId };
      if (error instanceof BrokerUnavailable) {
        this.#logger.debug(fields, 'a session was not saved: the shared state is away');
      } else {
        this.#logger.error({ err: error, ...fields }, 'a session was not saved');
      }
      return false;
    }
  }

  #ownerOf({ app, socketId, ip }: Connection, session: string): SessionOwner {
    return { appId: app.id, session, socketId, node: this.#handovers.node, address: addressBlock(ip) };
  }
}

function newResumable({ socketId }: Connection, session: string): Resumable {
  return {
    session,
    socketIds: [socketId],
    awaited: new Map(),
    joined: new Map(),
    pingedCount: 0,
    pingedMs: Date.now(),
    attendedCount: 0,
    dueTopic: undefined,
    last: undefined,
    acknowledgedCount: 0,
    provenCount: 0,
    unproven: { count: 0, atMs: 0 },
    superseded: false,
    savedCount: 0,
    savedMs: Date.now(),
  };
}

function ownerKey({ app }: Connection, session: string): string {
  return topicOf(app.id, session);
}
