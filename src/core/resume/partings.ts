import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from '../connection/connection.ts';
import type { Resumable } from '../connection/resumable.ts';
import { resumableTopic } from '../contracts/topic.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { Sessions } from './sessions.ts';

/** How long a client that is to be closed may take to acknowledge, and its session to be saved. */
const MAX_PARTING_MS = 1000;

/** One that is asked, until it has answered or gone. */
interface Asked {
  readonly count: number;
  readonly answered: () => void;
}

/**
 * Ends that the server chooses, of resumable connections: the client is sent nothing more, asked up to where it has
 * received, and saved at that place before it is closed. So nothing comes again when it is back, on whichever node.
 */
export class Partings {
  readonly #acknowledgements: Acknowledgements;
  readonly #sessions: Sessions;
  readonly #asked = new Map<Resumable, Asked>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(acknowledgements: Acknowledgements, sessions: Sessions) {
    this.#acknowledgements = acknowledgements;
    this.#sessions = sessions;
  }

  /**
   * Closes a connection once it has been asked; at once if there is nothing to ask.
   *
   * @param patienceMs how long the client may take, at most a second
   */
  begin(connection: Connection, close: () => void, patienceMs = MAX_PARTING_MS): void {
    const { resumable } = connection;
    if (connection.isParting) return;
    if (resumable === undefined || resumable.superseded || resumable.joined.size === 0 || patienceMs === 0) {
      close();
      return;
    }
    connection.isParting = true;
    const parting = this.#part(connection, resumable, Math.min(patienceMs, MAX_PARTING_MS)).then(close);
    this.#underWay.add(parting);
    void parting.then(() => this.#underWay.delete(parting));
  }

  /** Resolves when all that have begun have ended. */
  async all(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** A pong has come back. */
  acknowledged(resumable: Resumable): void {
    const asked = this.#asked.get(resumable);
    if (asked !== undefined && resumable.acknowledgedCount >= asked.count) asked.answered();
  }

  /** The connection has gone by itself. */
  gone(resumable: Resumable): void {
    this.#asked.get(resumable)?.answered();
  }

  async #part(connection: Connection, resumable: Resumable, patienceMs: number): Promise<void> {
    for (const { topic } of connection.subscriptions.values()) {
      connection.socket.leave(topic);
      connection.socket.leave(resumableTopic(topic));
    }
    const timeout = new AbortController();
    const patience = delay(patienceMs, undefined, { signal: timeout.signal, ref: false }).catch(aborted);
    const count = this.#acknowledgements.askLast(connection, resumable);
    if (resumable.acknowledgedCount < count) {
      const answer = new Promise<void>((answered) => this.#asked.set(resumable, { count, answered }));
      await Promise.race([answer, patience]);
      this.#asked.delete(resumable);
    }
    // The close lets the client come back at once, and the node that it comes to reads what is saved. One that has gone
    // is saved by its end.
    if (!connection.closed) await Promise.race([this.#sessions.release(connection), patience]);
    timeout.abort();
  }
}

/** The wait is over before its time. */
function aborted(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}
