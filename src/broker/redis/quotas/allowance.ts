import { BrokerUnavailable } from '../../../core/contracts/broker.ts';
import { TAKE_ALLOWANCE } from '../scripts/scripts.ts';
import { bucketOf } from '../wire/keys.ts';
import type { RedisStore } from '../wire/store.ts';

/**
 * One app's requests of one kind in a second of Redis's clock. A node takes what it needs and, where there is plenty,
 * some more, so that most requests ask nobody. Never is more let through than the limit; a little less is where nodes
 * end a second with what others could have used.
 */
export class Allowance {
  readonly #key: string;
  readonly #bucket: number;
  readonly #store: RedisStore;
  #left = 0;
  /** Of `performance.now()`: when what is left, or that nothing is, no longer holds. */
  #until = 0;
  /** As many more, or more, Redis has refused in this second. */
  #refused = Number.POSITIVE_INFINITY;
  /** Requests that wait for an answer, one at a time: the first may bring enough for the others. */
  #asking: Promise<void> | undefined;

  constructor(name: string, store: RedisStore) {
    this.#bucket = bucketOf(name);
    this.#key = store.key('w', name);
    this.#store = store;
  }

  async take(count: number, limit: number): Promise<boolean> {
    for (;;) {
      if (performance.now() >= this.#until) {
        this.#left = 0;
        this.#refused = Number.POSITIVE_INFINITY;
      }
      if (this.#left >= count) {
        this.#left -= count;
        return true;
      }
      if (count - this.#left >= this.#refused) return false;
      if (this.#asking === undefined) {
        this.#asking = this.#ask(count - this.#left, limit).finally(() => {
          this.#asking = undefined;
        });
      }
      await this.#asking;
    }
  }

  async #ask(count: number, limit: number): Promise<void> {
    let taken: number;
    let goodForMs: number;
    try {
      [taken, goodForMs] = await this.#send(count, limit);
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) throw error;
      // Each node for itself, until Redis is back.
      [taken, goodForMs] = [Math.max(count, limit), 1000];
    }
    if (taken === 0) this.#refused = Math.min(this.#refused, count);
    this.#left += taken;
    this.#until = performance.now() + goodForMs;
  }

  async #send(count: number, limit: number): Promise<[number, number]> {
    const effort = { deadline: performance.now(), repeatable: false };
    const reply = await this.#store.script(TAKE_ALLOWANCE, this.#bucket, [this.#key], [count, limit], effort);
    const [taken, goodForMs] = Array.isArray(reply) ? (reply as unknown[]) : [];
    return [Number(taken), Number(goodForMs)];
  }
}
