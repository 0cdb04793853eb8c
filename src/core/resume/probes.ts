import { randomBytes } from 'node:crypto';
import type { Connection } from '../connection/connection.ts';
import type { Resumable } from '../connection/resumable.ts';
import type { SavedSession } from '../contracts/session-store.ts';

/** How long a page may take to answer. */
const MAX_PAGE_ANSWER_MS = 200;

/** A page that answers is there; it has gone by itself; or nothing is known of it. */
export type Found = 'there' | 'silent' | { readonly left: SavedSession };

interface Probe {
  readonly payload: string;
  hasAnswered: boolean;
  isOver: boolean;
  readonly end: (found: Found) => void;
}

/**
 * Whether a page is still behind a connection whose session another one claims. The stock clients close a connection
 * before they open the next, so one that answers what it is asked now is of another page with the same token.
 */
export class Probes {
  readonly #late: (connection: Connection) => void;
  readonly #probes = new WeakMap<Resumable, Probe>();

  /** @param late a page has answered after its time, when its session had gone to another already */
  constructor(late: (connection: Connection) => void) {
    this.#late = late;
  }

  /** Resolves within 200 ms. */
  find({ socket }: Connection, resumable: Resumable): Promise<Found> {
    return new Promise((resolve) => {
      const end = (found: Found) => {
        clearTimeout(timer);
        probe.isOver = true;
        resolve(found);
      };
      const probe: Probe = {
        payload: `page-${randomBytes(6).toString('hex')}`,
        hasAnswered: false,
        isOver: false,
        end,
      };
      // Not at its answer: a browser answers for a page that is closing its socket, and then that goes.
      const timer = setTimeout(() => end(probe.hasAnswered ? 'there' : 'silent'), MAX_PAGE_ANSWER_MS);
      timer.unref();
      this.#probes.set(resumable, probe);
      socket.ping(probe.payload, true);
    });
  }

  /** A pong has come back. */
  answered(connection: Connection, resumable: Resumable, payload: string): void {
    const probe = this.#probes.get(resumable);
    if (probe?.payload !== payload || probe.hasAnswered) return;
    probe.hasAnswered = true;
    if (probe.isOver && !connection.closed) this.#late(connection);
  }

  /** The connection has gone by itself, and this is where its client stands. */
  left(resumable: Resumable, saved: SavedSession): void {
    this.#probes.get(resumable)?.end({ left: saved });
  }
}
