import type { Holdings } from '../lease/holdings.ts';
import type { Lease } from '../lease/lease.ts';
import { TAKE_PLACES } from '../scripts/quotas.ts';
import { type Deferred, deferred } from '../wire/deferred.ts';
import { type RedisStore, UNTIL_DONE } from '../wire/store.ts';

interface Waiter {
  readonly socketId: string;
  readonly limit: number;
  readonly taken: Deferred<boolean>;
  /** It no longer waits for Redis, which may have been asked. */
  answered: boolean;
}

/** One app's connections on this node, and their number in Redis, where the app has a limit. */
export class Places {
  readonly #topic: string;
  readonly #store: RedisStore;
  readonly #lease: Lease;
  readonly #index: Holdings;
  readonly #sockets = new Set<string>();
  #waiting: Waiter[] = [];
  /** Undefined while Redis has no number of this node: without a limit, it needs none. */
  #written: number | undefined;
  #incarnation = '';
  #running = false;

  constructor(topic: string, store: RedisStore, lease: Lease, index: Holdings) {
    this.#topic = topic;
    this.#store = store;
    this.#lease = lease;
    this.#index = index;
  }

  /** False where the limit is reached. Connections that come together are one question. */
  async take(socketId: string, limit: number): Promise<boolean> {
    if (this.#sockets.has(socketId)) return true;
    if (limit === 0) {
      this.#sockets.add(socketId);
      if (this.#written !== undefined) void this.#run();
      return true;
    }
    if (!this.#store.isReady() || !this.#lease.valid) return this.#takeHere(socketId, limit);
    const waiter: Waiter = { socketId, limit, taken: deferred<boolean>(), answered: false };
    this.#waiting.push(waiter);
    void this.#run();
    const timer = setTimeout(() => {
      this.#waiting = this.#waiting.filter((other) => other !== waiter);
      waiter.answered = true;
      waiter.taken.resolve(this.#takeHere(socketId, limit));
    }, this.#store.settings.acceptTimeoutSeconds * 1000);
    try {
      return await waiter.taken.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  give(socketId: string): void {
    if (this.#sockets.delete(socketId) && this.#written !== undefined) void this.#run();
  }

  async rewrite(): Promise<void> {
    if (this.#written !== undefined) await this.#run();
  }

  #takeHere(socketId: string, limit: number): boolean {
    if (limit > 0 && this.#sockets.size >= limit && !this.#sockets.has(socketId)) return false;
    this.#sockets.add(socketId);
    if (this.#written !== undefined) void this.#run();
    return true;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#waiting.length > 0 || this.#isBehind()) {
        const incarnation = await this.#index.claim('places', this.#topic);
        const waiting = this.#waiting;
        this.#waiting = [];
        const has = this.#sockets.size;
        const limit = waiting[0]?.limit ?? 0;
        let admitted = await this.#ask(incarnation, has, waiting.length, limit);
        this.#written = has + admitted;
        this.#incarnation = incarnation;
        // Whoever was answered without Redis has a place here or none: what Redis has too much is written anew.
        for (const { socketId, taken } of waiting.filter(({ answered }) => !answered)) {
          if (admitted > 0) this.#sockets.add(socketId);
          taken.resolve(admitted > 0);
          admitted -= 1;
        }
      }
    } catch (error) {
      // Only a fault of this program or the end of it comes here: whatever else is tried until it succeeds.
      for (const { taken } of this.#waiting.splice(0)) taken.reject(error);
      this.#store.logger.debug({ err: error }, 'connections are no longer counted');
    } finally {
      this.#running = false;
    }
  }

  #isBehind(): boolean {
    if (this.#written === undefined) return false;
    return this.#written !== this.#sockets.size || (this.#written > 0 && this.#incarnation !== this.#lease.incarnation);
  }

  #ask(incarnation: string, has: number, more: number, limit: number): Promise<number> {
    const args = [incarnation, has, more, limit, ...this.#lease.former] as const;
    return this.#store.run(TAKE_PLACES, this.#topic, args, UNTIL_DONE);
  }
}
