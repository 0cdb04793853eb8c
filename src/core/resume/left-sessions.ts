import type { SavedSession } from '../contracts/session-store.ts';

/** The question of who has claimed a session is on its way for less than this. */
const MAX_LEFT_MS = 2000;
/** Beyond so many, the oldest is forgotten: then what was saved last counts. */
const MAX_LEFT_SESSIONS = 1000;

/**
 * Where clients stand whose connections have ended when another one had claimed their session already, but had not
 * asked for it yet: the store takes nothing of them any more, and their node no longer has them.
 */
export class LeftSessions {
  readonly #sessions = new Map<string, SavedSession>();

  leave(key: string, saved: SavedSession): void {
    // Set anew, to stand last.
    this.#sessions.delete(key);
    this.#sessions.set(key, saved);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MAX_LEFT_SESSIONS) break;
      this.#sessions.delete(oldest);
    }
    const forget = () => {
      if (this.#sessions.get(key) === saved) this.#sessions.delete(key);
    };
    setTimeout(forget, MAX_LEFT_MS).unref();
  }

  /** Gives it, once. */
  take(key: string): SavedSession | undefined {
    const saved = this.#sessions.get(key);
    this.#sessions.delete(key);
    return saved;
  }
}
