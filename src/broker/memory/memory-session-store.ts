import type { Current } from '../../core/contracts/current.ts';
import { createMetrics, type Metrics } from '../../core/contracts/metrics.ts';
import {
  type ClaimedSession,
  type SavedSession,
  type SessionOwner,
  type SessionStore,
  sessionBytes,
  withinBounds,
} from '../../core/contracts/session-store.ts';
import type { SessionRetention } from '../../core/contracts/shared-state.ts';
import { topicOf } from '../../core/contracts/topic.ts';
import type { Swept } from './memory-broker.ts';
import { type Share, Shares } from './shares.ts';

interface StoredSession {
  readonly owner: string;
  /** Undefined once the owner's connection has ended. */
  readonly holder: string | undefined;
  readonly isShared: boolean;
  readonly address: string;
  readonly bytes: number;
  readonly share: Share<string>;
  readonly saved: SavedSession | undefined;
  readonly expiresAtMs: number;
}

/** The sessions that an address answers for: the one that was saved the longest ago stands first. */
interface Account {
  readonly keys: Set<string>;
  bytes: number;
}

/**
 * Clients of many addresses may leave many sessions: of the app that has the most, those that were saved the longest
 * ago make room.
 */
const MAX_SESSIONS = 100_000;

export interface MemorySessionStoreOptions {
  readonly now?: () => number;
  readonly maxSessions?: number;
  readonly metrics?: Metrics;
}

/** Sessions of a single node: they survive a reconnect, not a restart. */
export class MemorySessionStore implements SessionStore, Swept {
  readonly #sessions = new Map<string, StoredSession>();
  readonly #accounts = new Map<string, Account>();
  readonly #shares = new Shares<string>();
  readonly #retention: Current<SessionRetention>;
  readonly #maxSessions: number;
  readonly #metrics: Metrics;
  readonly #now: () => number;

  constructor(retention: Current<SessionRetention>, options: MemorySessionStoreOptions = {}) {
    const { now = Date.now, maxSessions = MAX_SESSIONS, metrics = createMetrics() } = options;
    this.#retention = retention;
    this.#maxSessions = maxSessions;
    this.#metrics = metrics;
    this.#now = now;
    metrics.bounds.push({ name: 'sessions', limit: () => maxSessions, held: () => this.#sessions.size });
  }

  async claim(owner: SessionOwner): Promise<ClaimedSession> {
    const stored = this.#find(owner);
    const { saved, isShared = false } = stored ?? {};
    this.#keep(owner, { saved, holder: owner.node, isShared, address: stored?.address ?? owner.address });
    return { saved, holder: stored?.owner === owner.socketId ? undefined : stored?.holder, isShared };
  }

  async save(owner: SessionOwner, saved: SavedSession): Promise<boolean> {
    return this.#save(owner, saved, owner.node);
  }

  async release(owner: SessionOwner, saved: SavedSession): Promise<boolean> {
    return this.#save(owner, saved, undefined);
  }

  async share(owner: SessionOwner): Promise<void> {
    const stored = this.#find(owner);
    if (stored !== undefined) this.#keep({ ...owner, socketId: stored.owner }, { ...stored, isShared: true });
  }

  removeExpired(): void {
    const now = this.#now();
    for (const [key, stored] of this.#sessions) if (stored.expiresAtMs <= now) this.#forget(key);
  }

  #save(owner: SessionOwner, saved: SavedSession, holder: string | undefined): boolean {
    const stored = this.#find(owner);
    if (stored !== undefined && (stored.owner !== owner.socketId || stored.isShared)) return false;
    const { address } = owner;
    this.#keep(owner, { saved: withinBounds(saved, this.#retention().session), holder, isShared: false, address });
    return true;
  }

  #find({ appId, session }: SessionOwner): StoredSession | undefined {
    const stored = this.#sessions.get(topicOf(appId, session));
    return stored !== undefined && stored.expiresAtMs > this.#now() ? stored : undefined;
  }

  #keep(
    { appId, session, socketId }: SessionOwner,
    { saved, holder, isShared, address }: Pick<StoredSession, 'saved' | 'holder' | 'isShared' | 'address'>,
  ): void {
    const key = topicOf(appId, session);
    // Forgotten first, to stand last.
    this.#forget(key);
    const bytes = sessionBytes(saved);
    const { sessionSeconds, session: bounds } = this.#retention();
    const expiresAtMs = this.#now() + sessionSeconds * 1000;
    const share = this.#shares.add(appId, key, bytes);
    this.#sessions.set(key, { owner: socketId, holder, isShared, address, bytes, share, saved, expiresAtMs });
    const account = this.#accounts.get(address) ?? { keys: new Set(), bytes: 0 };
    this.#accounts.set(address, account);
    account.keys.add(key);
    account.bytes += bytes;
    for (const oldest of account.keys) {
      if (account.bytes <= bounds.maxBytesPerAddress) break;
      this.#forget(oldest);
    }
    while (this.#sessions.size > this.#maxSessions) {
      const oldest = this.#shares.oldestOfMost('keys');
      if (oldest === undefined) break;
      this.#metrics.refused.add('sessions');
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const stored = this.#sessions.get(key);
    if (stored === undefined) return;
    this.#sessions.delete(key);
    this.#shares.remove(stored.share, key, stored.bytes);
    const account = this.#accounts.get(stored.address);
    if (account === undefined) return;
    account.keys.delete(key);
    account.bytes -= stored.bytes;
    if (account.keys.size === 0) this.#accounts.delete(stored.address);
  }
}
