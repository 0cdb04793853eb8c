import { encodeSubscriptionCount } from '../../protocol/frames.ts';
import { SUBSCRIPTION_COUNT_EXACT_UP_TO, SUBSCRIPTION_COUNT_INTERVAL_SECONDS } from '../../protocol/limits.ts';
import { type Broker, BrokerUnavailable } from '../contracts/broker.ts';
import type { Logger } from '../contracts/logger.ts';
import { appIdOf, channelOf } from '../contracts/topic.ts';
import type { NodeFacts } from './node-facts.ts';

/**
 * Tells subscribers how many they are: on each change in a small channel, at intervals in a large one.
 * (Channels docs: subscription count event)
 */
export class SubscriptionCounts {
  readonly #broker: Broker;
  readonly #facts: NodeFacts;
  readonly #logger: Logger;
  /** Large channels whose interval runs, with the count that is to be told at its end. */
  readonly #waiting = new Map<string, { count: number | undefined; readonly timer: NodeJS.Timeout }>();

  constructor(broker: Broker, facts: NodeFacts, logger: Logger) {
    this.#broker = broker;
    this.#facts = facts;
    this.#logger = logger;
  }

  async changed(topic: string, count: number): Promise<void> {
    if (count <= SUBSCRIPTION_COUNT_EXACT_UP_TO) {
      this.#forget(topic);
      await this.#tell(topic, count);
      return;
    }
    const waiting = this.#waiting.get(topic);
    if (waiting !== undefined) {
      waiting.count = count;
      return;
    }
    const timer = setTimeout(() => this.#intervalEnded(topic), SUBSCRIPTION_COUNT_INTERVAL_SECONDS * 1000);
    timer.unref();
    this.#waiting.set(topic, { count: undefined, timer });
    await this.#tell(topic, count);
  }

  close(): void {
    for (const topic of [...this.#waiting.keys()]) this.#forget(topic);
  }

  #intervalEnded(topic: string): void {
    const count = this.#waiting.get(topic)?.count;
    this.#waiting.delete(topic);
    if (count === undefined) return;
    this.changed(topic, count).catch((error: unknown) => {
      this.#logger.error({ err: error, topic }, 'a subscription count could not be told');
    });
  }

  #forget(topic: string): void {
    clearTimeout(this.#waiting.get(topic)?.timer);
    this.#waiting.delete(topic);
  }

  async #tell(topic: string, count: number): Promise<void> {
    const channel = channelOf(topic);
    this.#facts.write('subscription_count', appIdOf(topic), channel, undefined, () => ({ subscription_count: count }));
    if (count === 0) return;
    try {
      await this.#broker.publish([{ topic, frame: encodeSubscriptionCount(channel, count) }]);
    } catch (error) {
      // A count that nobody could be told is superseded by the next one.
      if (!(error instanceof BrokerUnavailable)) throw error;
    }
  }
}
