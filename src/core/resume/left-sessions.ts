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
  readonly #sessions = new Map<string, { readonly saved: SavedSession; readonly timer: NodeJS.Timeout }>();

  leave(key: string, saved: SavedSession): void {
    // Set anew, to stand last.
    this.take(key);
    const timer = setTimeout(() => this.#sessions.delete(key), MAX_LEFT_MS).unref();
    this.#sessions.set(key, { saved, timer });
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MAX_LEFT_SESSIONS) break;
      this.take(oldest);
    }
  }

  /** Gives it, once. */
  take(key: string): SavedSession | undefined {
    const left = this.#sessions.get(key);
    this.#sessions.delete(key);
    clearTimeout(left?.timer);
    return left?.saved;
  }
}
