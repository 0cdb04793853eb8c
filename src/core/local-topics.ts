import type { Broker } from './broker.ts';

/** Counts who on this node wants a topic, so that the broker is asked for the first and told of the last. */
export class LocalTopics {
  readonly #broker: Broker;
  readonly #wanted = new Map<string, { count: number; readonly subscribed: Promise<void> }>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Resolves once the topic's messages arrive here; rejects with BrokerUnavailable, and then holds nothing. */
  async acquire(topic: string): Promise<void> {
    let wanted = this.#wanted.get(topic);
    if (wanted === undefined) {
      wanted = { count: 0, subscribed: this.#broker.subscribe(topic) };
      this.#wanted.set(topic, wanted);
    }
    wanted.count += 1;
    try {
      await wanted.subscribed;
    } catch (error) {
      // The failed promise must not be what the next one waits for.
      if (this.#wanted.get(topic) === wanted) this.#wanted.delete(topic);
      throw error;
    }
  }

  async release(topic: string): Promise<void> {
    const wanted = this.#wanted.get(topic);
    if (wanted === undefined) return;
    wanted.count -= 1;
    if (wanted.count > 0) return;
    this.#wanted.delete(topic);
    await this.#broker.unsubscribe(topic);
  }
}
