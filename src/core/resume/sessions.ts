import { addressBlock } from '../connection/address-block.ts';
import type { Connection } from '../connection/connection.ts';
import type { Resumable } from '../connection/resumable.ts';
import { whenReachable } from '../connection/when-reachable.ts';
import { BrokerUnavailable } from '../contracts/broker.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Position } from '../contracts/position.ts';
import type { SessionOwner, SessionStore } from '../contracts/session-store.ts';
import { topicOf } from '../contracts/topic.ts';
import type { Acknowledgements } from './acknowledgements.ts';

/** A session's own publishes are left out of its replay; this many of its socket ids are remembered for that. */
const MAX_SOCKET_IDS = 8;

/** Channels of earlier connections that were not subscribed to again; those that have waited longest are forgotten. */
const MAX_AWAITED_CHANNELS = 1000;

/** Sessions that survive a reconnect: which connection of this node has which, and what is saved of them. */
export class Sessions {
  readonly #store: SessionStore;
  readonly #acknowledgements: Acknowledgements;
  readonly #logger: Logger;
  readonly #owners = new Map<string, Connection>();

  constructor(store: SessionStore, acknowledgements: Acknowledgements, logger: Logger) {
    this.#store = store;
    this.#acknowledgements = acknowledgements;
    this.#logger = logger;
  }

  /** Takes a session over for a new connection; a live one that had it goes on as a plain one. */
  async claim(connection: Connection, session: string): Promise<void> {
    const key = ownerKey(connection, session);
    const resumable = newResumable(connection, session);
    await whenReachable(connection, async () => {
      const older = this.#owners.get(key);
      // Its positions are newer here than in the store.
      if (older !== undefined) await this.save(older);
      const saved = await this.#store.claim(ownerOf(connection, session));
      if (older?.resumable !== undefined) older.resumable.superseded = true;
      if (saved === undefined) return;
      resumable.socketIds = [...saved.socketIds.slice(1 - MAX_SOCKET_IDS), connection.socketId];
      const channels = [...saved.channels].slice(-MAX_AWAITED_CHANNELS);
      for (const [channel, position] of channels) resumable.awaited.set(channel, position);
    });
    if (connection.closed) return;
    connection.resumable = resumable;
    this.#owners.set(key, connection);
  }

  /** Saves up to where the client has received. Never rejects. */
  async save(connection: Connection): Promise<void> {
    const { resumable, app, socketId } = connection;
    if (resumable === undefined || resumable.superseded) return;
    const { acknowledgedCount, session, socketIds } = resumable;
    const channels = new Map<string, Position>(resumable.awaited);
    for (const [channel, joined] of resumable.joined) {
      channels.set(channel, this.#acknowledgements.position(resumable, joined));
    }
    try {
      if (!(await this.#store.save(ownerOf(connection, session), { socketIds, channels }))) resumable.superseded = true;
      resumable.savedCount = acknowledgedCount;
      resumable.savedMs = Date.now();
    } catch (error) {
      const fields = { appId: app.id, socketId };
      if (error instanceof BrokerUnavailable) {
        this.#logger.debug(fields, 'a session was not saved: the shared state is away');
      } else {
        this.#logger.error({ err: error, ...fields }, 'a session was not saved');
      }
    }
  }

  /** The connection has gone and was saved. */
  release(connection: Connection, { session }: Resumable): void {
    const key = ownerKey(connection, session);
    if (this.#owners.get(key) === connection) this.#owners.delete(key);
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

function ownerOf({ app, socketId, ip }: Connection, session: string): SessionOwner {
  return { appId: app.id, session, socketId, address: addressBlock(ip) };
}

function ownerKey({ app }: Connection, session: string): string {
  return topicOf(app.id, session);
}
