import type { SavedSession, SessionStore } from '../../core/contracts/session-store.ts';
import { topicOf } from '../../core/contracts/topic.ts';

interface Kept {
  owner: string;
  saved: SavedSession | undefined;
  expiresAtMs: number;
}

const SWEEP_INTERVAL_MS = 30_000;

/** A client may name as many sessions as it likes: those that were saved the longest ago make room. */
const MAX_SESSIONS = 100_000;

/** Sessions of a single node: they survive a reconnect, not a restart. */
export class MemorySessionStore implements SessionStore {
  readonly #sessions = new Map<string, Kept>();
  readonly #retentionMs: number;
  readonly #maxSessions: number;
  readonly #now: () => number;

  /** @param retentionSeconds a session is kept for so long after it was last saved */
  constructor(retentionSeconds: number, now: () => number = Date.now, maxSessions: number = MAX_SESSIONS) {
    this.#maxSessions = maxSessions;
    this.#retentionMs = retentionSeconds * 1000;
    this.#now = now;
    setInterval(() => this.#removeExpired(), SWEEP_INTERVAL_MS).unref();
  }

  async claim(appId: string, session: string, socketId: string): Promise<SavedSession | undefined> {
    const key = topicOf(appId, session);
    const kept = this.#sessions.get(key);
    const now = this.#now();
    if (kept === undefined || kept.expiresAtMs <= now) {
      this.#keep(key, socketId, undefined);
      return undefined;
    }
    kept.owner = socketId;
    return kept.saved;
  }

  async save(appId: string, session: string, socketId: string, saved: SavedSession): Promise<boolean> {
    const key = topicOf(appId, session);
    const kept = this.#sessions.get(key);
    if (kept !== undefined && kept.owner !== socketId) return false;
    this.#keep(key, socketId, saved);
    return true;
  }

  #keep(key: string, owner: string, saved: SavedSession | undefined): void {
    // Deleted first, to stand last.
    this.#sessions.delete(key);
    this.#sessions.set(key, { owner, saved, expiresAtMs: this.#now() + this.#retentionMs });
    if (this.#sessions.size <= this.#maxSessions) return;
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest);
      break;
    }
  }

  #removeExpired(): void {
    const now = this.#now();
    for (const [key, kept] of this.#sessions) if (kept.expiresAtMs <= now) this.#sessions.delete(key);
  }
}
