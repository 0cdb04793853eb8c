import { BrokerUnavailable } from '../../../core/contracts/broker.ts';
import { TAKE_ALLOWANCE } from '../scripts/quotas.ts';
import type { RedisStore } from '../wire/store.ts';

/**
 * One app's requests of one kind in a second of Redis's clock. A node takes what it needs and, if there is plenty, some
 * more, so that most requests need not ask Redis. No more than the limit is let through. It may be a little less, if a
 * node ends a second with something left that others could have used.
 */
export class Allowance {
  readonly #name: string;
  readonly #store: RedisStore;
  #left = 0;
  /** By `performance.now()`: until when it is true how much is left, or that nothing is. */
  #until = 0;
  /** The least that Redis has refused in this second: there is no use in asking for as many. */
  #refused = Number.POSITIVE_INFINITY;
  /** One question at a time: its answer may be enough for the other requests. */
  #asking: Promise<void> | undefined;

  constructor(name: string, store: RedisStore) {
    this.#name = name;
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
    const { taken, goodForMs } = await this.#send(count, limit);
    if (taken === 0) this.#refused = Math.min(this.#refused, count);
    this.#left += taken;
    this.#until = performance.now() + goodForMs;
  }

  async #send(count: number, limit: number): Promise<{ readonly taken: number; readonly goodForMs: number }> {
    const once = { deadline: performance.now(), repeatable: false };
    try {
      return await this.#store.run(TAKE_ALLOWANCE, this.#name, [count, limit], once);
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) throw error;
      // Each node for itself, until Redis is back.
      return { taken: Math.max(count, limit), goodForMs: 1000 };
    }
  }
}
