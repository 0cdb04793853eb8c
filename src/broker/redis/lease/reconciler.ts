import type { Logger } from '../../../core/contracts/logger.ts';
import { type Deferred, deferred } from '../wire/deferred.ts';

/** Something that Redis is to be told, and somebody who may wait for it. */
export interface Change {
  readonly done: { reject(error: unknown): void };
}

/** What a node has under one topic, as it is to stand in Redis. */
export interface Reconciled<One extends Change, Outcome> {
  /** Whether Redis has something else than it should under this incarnation, though no change waits. */
  isBehind(incarnation: string): boolean;
  /**
   * Tells Redis what there is and what changes, as often as it takes; gives the outcomes in the order of the changes.
   */
  write(incarnation: string, changes: readonly One[]): Promise<readonly Outcome[]>;
  /** Takes what Redis has said to a change. All outcomes of one write are taken in one turn. */
  take(change: One, outcome: Outcome): void;
  /** Redis has all there is, and no change waits. Must not throw. */
  rest(): void;
}

export interface ReconcilerOptions {
  /** The incarnation to write under, once Redis lists the topic as one to look at should this node die. */
  readonly claim: () => Promise<string>;
  /** The node's present incarnation. */
  readonly incarnation: () => string;
  /** Changes for each write. */
  readonly atOnce: number;
  readonly logger: Logger;
}

/**
 * Brings what a node has under one topic to Redis, one write at a time, until Redis has it: whatever Redis, the
 * connection to it and the node's lease do meanwhile. Changes that come during a write are one write after it.
 *
 * A change that nobody waits for any more is given up: if it may have been sent, whoever gives it up sees to it that
 * Redis is told otherwise.
 */
export class Reconciler<One extends Change, Outcome> {
  readonly #entry: Reconciled<One, Outcome>;
  readonly #options: ReconcilerOptions;
  readonly #waiting = new Set<One>();
  readonly #sent = new Set<One>();
  #followers: Deferred<void>[] = [];
  #running = false;

  constructor(entry: Reconciled<One, Outcome>, options: ReconcilerOptions) {
    this.#entry = entry;
    this.#options = options;
  }

  /** Nothing waits, and nothing is being written. */
  get resting(): boolean {
    return !this.#running && this.#waiting.size === 0;
  }

  add(change: One): void {
    this.#waiting.add(change);
    void this.#run();
  }

  /** Its outcome is not taken any more. True if it may have been carried out, or may yet be. */
  giveUp(change: One): boolean {
    if (this.#waiting.delete(change)) return false;
    this.#sent.delete(change);
    return true;
  }

  /** Resolves once Redis has what there is now. */
  async catchUp(): Promise<void> {
    if (!this.#entry.isBehind(this.#options.incarnation())) return;
    const follower = deferred<void>();
    this.#followers.push(follower);
    void this.#run();
    await follower.promise;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#waiting.size > 0 || this.#isBehind()) {
        const incarnation = await this.#options.claim();
        // Changes may have been given up meanwhile.
        if (this.#waiting.size === 0 && !this.#isBehind()) continue;
        await this.#write(incarnation);
        if (!this.#isBehind()) this.#tellFollowers();
      }
    } catch (error) {
      this.#running = false;
      this.#fail(error);
      return;
    }
    this.#running = false;
    this.#tellFollowers();
    this.#entry.rest();
  }

  /** Only a fault of this program or its end comes here: whatever else is tried until it succeeds. */
  #fail(error: unknown): void {
    for (const { done } of [...this.#sent, ...this.#waiting]) done.reject(error);
    for (const follower of this.#followers) follower.reject(error);
    this.#sent.clear();
    this.#waiting.clear();
    this.#followers = [];
    this.#options.logger.debug({ err: error }, 'entries are no longer written to Redis');
  }

  async #write(incarnation: string): Promise<void> {
    const changes: One[] = [];
    for (const change of this.#waiting) {
      if (changes.length === this.#options.atOnce) break;
      changes.push(change);
      this.#waiting.delete(change);
      this.#sent.add(change);
    }
    const outcomes = await this.#entry.write(incarnation, changes);
    if (outcomes.length !== changes.length) throw new Error('Redis has left a change unanswered');
    for (const [at, outcome] of outcomes.entries()) {
      const change = changes[at];
      if (change === undefined || !this.#sent.delete(change)) continue;
      try {
        this.#entry.take(change, outcome);
      } catch (error) {
        // The trouble of whoever made the change is nobody else's.
        change.done.reject(error);
      }
    }
  }

  #isBehind(): boolean {
    return this.#entry.isBehind(this.#options.incarnation());
  }

  #tellFollowers(): void {
    for (const follower of this.#followers.splice(0)) follower.resolve();
  }
}
