import { channelKind } from '../../protocol/channel-name.ts';
import type { Broker } from '../contracts/broker.ts';
import type { Metrics } from '../contracts/metrics.ts';
import { channelOf } from '../contracts/topic.ts';
import type { LoggedTopics } from './logged-topics.ts';

/** What a topic is called, and its channel. */
export interface TopicNames {
  readonly topic: string;
  readonly channel: string;
}

interface Wanted extends TopicNames {
  count: number;
  readonly subscribed: Promise<void>;
}

/** Counts who on this node wants a topic, so that the broker is asked for the first and told of the last. */
export class LocalTopics {
  readonly #broker: Broker;
  readonly #logged: LoggedTopics;
  readonly #metrics: Metrics;
  readonly #wanted = new Map<string, Wanted>();

  constructor(broker: Broker, logged: LoggedTopics, metrics: Metrics) {
    this.#broker = broker;
    this.#logged = logged;
    this.#metrics = metrics;
  }

  /**
   * Resolves once the topic's messages arrive here, to the names by which the node has it: many who join it need not
   * each keep a copy of their own. Rejects with BrokerUnavailable, and then holds nothing.
   */
  async acquire(topic: string): Promise<TopicNames> {
    let wanted = this.#wanted.get(topic);
    if (wanted === undefined) {
      this.#logged.expect(topic);
      wanted = { topic, channel: channelOf(topic), count: 0, subscribed: this.#broker.subscribe(topic) };
      this.#wanted.set(topic, wanted);
      this.#metrics.channels.add(kindLabel(topic));
    }
    wanted.count += 1;
    try {
      await wanted.subscribed;
    } catch (error) {
      // The failed promise must not be what the next one waits for.
      if (this.#wanted.get(topic) === wanted) this.#forget(topic);
      throw error;
    }
    return wanted;
  }

  async release(topic: string): Promise<void> {
    const wanted = this.#wanted.get(topic);
    if (wanted === undefined) return;
    wanted.count -= 1;
    if (wanted.count > 0) return;
    this.#forget(topic);
    await this.#broker.unsubscribe(topic);
  }

  #forget(topic: string): void {
    if (this.#wanted.delete(topic)) this.#metrics.channels.add(kindLabel(topic), -1);
    this.#logged.forget(topic);
  }
}

/**
 * `public`, `private`, `presence`, `encrypted`, each with `-cache` behind it; `server-to-user`; `internal` for the
 * server's own.
 */
function kindLabel(topic: string): string {
  const channel = channelOf(topic);
  const { access, encrypted, cache, serverToUser } = channelKind(channel);
  if (serverToUser) return 'server-to-user';
  if (channel.startsWith('#')) return 'internal';
  return `${encrypted ? 'encrypted' : access}${cache ? '-cache' : ''}`;
}
