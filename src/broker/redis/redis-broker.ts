import type { Broker, BrokerMessage, CachedFrame, Deliver } from '../../core/contracts/broker.ts';
import type { Metrics } from '../../core/contracts/metrics.ts';
import type { Lease } from './lease/lease.ts';
import type { RedisChannelLog } from './log/redis-channel-log.ts';
import { PUBLISH } from './scripts/frames.ts';
import { READ_CACHED } from './scripts/log.ts';
import { decodeMessage, headOf, type MessageObserver } from './scripts/messages.ts';
import { deferred } from './wire/deferred.ts';
import type { Effort, RedisStore } from './wire/store.ts';
import { unavailable } from './wire/trouble.ts';

/** What may be on its way to a Redis that is slow or away: more is refused at once. */
const MAX_PENDING_MESSAGES = 20_000;
const MAX_PENDING_CHARACTERS = 32 * 1024 * 1024;

/**
 * Moves frames by Redis's pub/sub. A node serves its own subscribers by what Redis sends back: one order everywhere.
 */
export class RedisBroker implements Broker {
  readonly #store: RedisStore;
  readonly #log: RedisChannelLog;
  readonly #observer: MessageObserver;
  readonly #lease: Lease;
  readonly #metrics: Metrics;
  #deliver: Deliver = () => {
    throw new Error('RedisBroker delivered before start');
  };
  #restored: () => void = () => undefined;
  #pendingMessages = 0;
  #pendingCharacters = 0;

  constructor(store: RedisStore, log: RedisChannelLog, observer: MessageObserver, lease: Lease, metrics: Metrics) {
    this.#store = store;
    this.#log = log;
    this.#observer = observer;
    this.#lease = lease;
    this.#metrics = metrics;
    metrics.bounds.push(
      { name: 'redis-messages', limit: () => MAX_PENDING_MESSAGES, held: () => this.#pendingMessages },
      { name: 'redis-characters', limit: () => MAX_PENDING_CHARACTERS, held: () => this.#pendingCharacters },
    );
  }

  async start(deliver: Deliver, restored: () => void): Promise<void> {
    this.#deliver = deliver;
    this.#restored = restored;
    this.#store.listen({
      message: (topic, text) => this.#receive(topic, text),
      interrupted: () => this.#restored(),
      ready: () => undefined,
      dropped: () => undefined,
    });
  }

  subscribe(topic: string): Promise<void> {
    return this.#store.topics.subscribe(topic);
  }

  async unsubscribe(topic: string): Promise<void> {
    this.#store.topics.unsubscribe(topic);
  }

  publish(messages: readonly BrokerMessage[]): Promise<void> {
    let characters = 0;
    for (const { frame } of messages) characters += frame.length;
    const areTooMany = this.#pendingMessages + messages.length > MAX_PENDING_MESSAGES;
    if (areTooMany || this.#pendingCharacters + characters > MAX_PENDING_CHARACTERS) {
      this.#metrics.refused.add(areTooMany ? 'redis-messages' : 'redis-characters');
      return Promise.reject(unavailable('has too many messages before it'));
    }
    this.#pendingMessages += messages.length;
    this.#pendingCharacters += characters;
    const done = () => {
      this.#pendingMessages -= messages.length;
      this.#pendingCharacters -= characters;
    };
    const sent = this.#lease.valid ? this.#sendAll(messages) : this.#alive().then(() => this.#sendAll(messages));
    return sent.then(done, (error: unknown) => {
      done();
      throw error;
    });
  }

  async cached(topic: string): Promise<CachedFrame | undefined> {
    const cached = await this.#store.run(READ_CACHED, topic, [], this.#store.patience());
    if (cached === undefined || cached.ttlMs <= 0) return undefined;
    return { frame: cached.frame, ttlSeconds: Math.ceil(cached.ttlMs / 1000) };
  }

  isReady(): boolean {
    return this.#store.isReady() && this.#lease.valid;
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  /** A frame for this node's subscribers alone: what a change of members or users means to them. */
  deliverHere(topic: string, frame: string): void {
    this.#deliver({ topic, frame, memberChange: true });
  }

  /**
   * A server that does not take the lease's renewal may not be the one that the others use any more, such as the old
   * master of a partition: what it would accept, nobody else might hear.
   */
  async #alive(): Promise<void> {
    const { promise, reject } = deferred<never>();
    const limitMs = this.#store.settings.acceptTimeoutSeconds * 1000;
    const timer = setTimeout(() => reject(unavailable('does not renew the lease of this node')), limitMs);
    try {
      await Promise.race([this.#lease.held(), promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** All are sent in this turn and in this order; to wait for each would cost a round trip for each. */
  #sendAll(messages: readonly BrokerMessage[]): Promise<unknown> {
    const effort = this.#store.onePublish();
    const [first] = messages;
    if (messages.length === 1 && first !== undefined) return this.#send(first, effort);
    return Promise.all(messages.map((message) => this.#send(message, effort)));
  }

  #send(message: BrokerMessage, effort: Effort): Promise<void> {
    if (message.durable === true || message.cacheSeconds !== undefined) return this.#log.publish(message, effort);
    const { topic, frame, exceptSocketId } = message;
    return this.#store.run(PUBLISH, topic, [headOf(exceptSocketId) + frame], effort);
  }

  #receive(topic: string, text: string): void {
    try {
      const message = decodeMessage(text);
      if (message.kind !== 'frame') {
        this.#observer.change(topic, message);
        return;
      }
      const { frame, exceptSocketId, position, previous } = message;
      this.#deliver({ topic, frame, exceptSocketId, position, previous });
    } catch (error) {
      // One message's trouble must not reach the connection, which carries all the others.
      this.#store.logger.error({ err: error, topic }, 'a message from Redis could not be taken');
    }
  }
}
