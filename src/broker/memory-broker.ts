import type { Broker, BrokerMessage, CachedFrame, Deliver } from '../core/broker.ts';

interface Kept {
  readonly frame: string;
  readonly expiresAtMs: number;
}

/** How often frames that were kept past their time are removed. */
const SWEEP_INTERVAL_MS = 60_000;

/** The broker of a single node: a publish is a function call. */
export class MemoryBroker implements Broker {
  readonly #kept = new Map<string, Kept>();
  readonly #now: () => number;
  #deliver: Deliver = () => {
    throw new Error('MemoryBroker.publish was called before start');
  };
  #sweep: NodeJS.Timeout | undefined;
  #ready = false;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async start(deliver: Deliver): Promise<void> {
    this.#deliver = deliver;
    this.#ready = true;
    this.#sweep = setInterval(() => this.#removeExpired(), SWEEP_INTERVAL_MS);
    this.#sweep.unref();
  }

  // Every topic's subscribers are on this node, so there is nothing to ask for.
  async subscribe(): Promise<void> {}

  async unsubscribe(): Promise<void> {}

  async publish(messages: readonly BrokerMessage[]): Promise<void> {
    for (const message of messages) {
      if (message.cacheSeconds !== undefined) {
        this.#kept.set(message.topic, {
          frame: message.frame,
          expiresAtMs: this.#now() + message.cacheSeconds * 1000,
        });
      }
      this.#deliver(message);
    }
  }

  async cached(topic: string): Promise<CachedFrame | undefined> {
    const kept = this.#kept.get(topic);
    if (kept === undefined) return undefined;
    const ttlMs = kept.expiresAtMs - this.#now();
    return ttlMs > 0 ? { frame: kept.frame, ttlSeconds: Math.ceil(ttlMs / 1000) } : undefined;
  }

  isReady(): boolean {
    return this.#ready;
  }

  async close(): Promise<void> {
    this.#ready = false;
    clearInterval(this.#sweep);
    this.#kept.clear();
  }

  #removeExpired(): void {
    const now = this.#now();
    for (const [topic, kept] of this.#kept) if (kept.expiresAtMs <= now) this.#kept.delete(topic);
  }
}
