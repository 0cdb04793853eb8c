import type { Logger } from '../../../core/contracts/logger.ts';
import { type Deferred, deferred } from './deferred.ts';
import type { Keyspace } from './keys.ts';
import type { Link } from './link.ts';
import type { Shards } from './shards.ts';
import { unavailable } from './trouble.ts';

interface Subscribed {
  readonly topic: string;
  readonly channel: string;
  readonly bucket: number;
  /** Redis has said so, on a connection that still stands. */
  confirmed: boolean;
  waiters: Deferred<void>[];
}

const RETRY_MS = 100;

/**
 * What this node hears: subscribes when a topic is first wanted, again after each loss, and drops it after a linger.
 */
export class SubscribedTopics {
  readonly #shards: () => Shards;
  readonly #keys: Keyspace;
  readonly #logger: Logger;
  readonly #lingerMs: number;
  readonly #waitMs: number;
  readonly #dropped: (topic: string) => void;
  readonly #topics = new Map<string, Subscribed>();
  readonly #unconfirmed = new Set<Subscribed>();
  /** When to drop what nobody wants, soonest first. */
  readonly #lingering = new Map<string, number>();
  readonly #sweep: NodeJS.Timeout;
  #flush: NodeJS.Timeout | NodeJS.Immediate | undefined;

  constructor(options: {
    readonly shards: () => Shards;
    readonly keys: Keyspace;
    readonly logger: Logger;
    readonly lingerMs: number;
    readonly waitMs: number;
    readonly dropped: (topic: string) => void;
  }) {
    this.#shards = options.shards;
    this.#keys = options.keys;
    this.#logger = options.logger;
    this.#lingerMs = options.lingerMs;
    this.#waitMs = options.waitMs;
    this.#dropped = options.dropped;
    this.#sweep = setInterval(() => this.#dropLingering(), Math.max(20, options.lingerMs / 4));
    this.#sweep.unref();
  }

  has(topic: string): boolean {
    return this.#topics.has(topic);
  }

  /** Topics of a link, or of buckets. */
  *of(matches: (bucket: number) => boolean): Iterable<string> {
    for (const { topic, bucket } of this.#topics.values()) if (matches(bucket)) yield topic;
  }

  async subscribe(topic: string): Promise<void> {
    this.#lingering.delete(topic);
    let subscribed = this.#topics.get(topic);
    if (subscribed === undefined) {
      const { bucket, channel } = this.#keys.topic(topic);
      subscribed = { topic, bucket, channel, confirmed: false, waiters: [] };
      this.#topics.set(topic, subscribed);
      this.#unconfirmed.add(subscribed);
      this.#flush ??= setImmediate(() => this.#confirm());
    }
    if (subscribed.confirmed) return;
    const waiter = deferred<void>();
    subscribed.waiters.push(waiter);
    const timer = setTimeout(() => waiter.reject(unavailable('could not be subscribed to in time')), this.#waitMs);
    try {
      await waiter.promise;
    } catch (error) {
      const { waiters } = subscribed;
      waiters.splice(waiters.indexOf(waiter), 1);
      if (waiters.length === 0 && !subscribed.confirmed) this.#forget(subscribed);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  unsubscribe(topic: string): void {
    const subscribed = this.#topics.get(topic);
    if (subscribed === undefined) return;
    this.#lingering.delete(topic);
    this.#lingering.set(topic, performance.now() + this.#lingerMs);
  }

  /** The link's connection is new and knows of nothing. */
  async resubscribe(link: Link): Promise<void> {
    const shards = this.#shards();
    const topics: Subscribed[] = [];
    for (const subscribed of this.#topics.values()) {
      if (shards.linkOf(subscribed.bucket) === link) topics.push(subscribed);
    }
    await this.#subscribeOn(link, topics);
  }

  /** A link has become ready: what was wanted meanwhile goes to it. */
  confirmRest(): void {
    if (this.#unconfirmed.size > 0) this.#flush ??= setImmediate(() => this.#confirm());
  }

  /** What buckets hold may not arrive any more: if another link has them, or theirs is down. */
  invalidate(matches: (bucket: number) => boolean): void {
    for (const subscribed of this.#topics.values()) {
      if (!matches(subscribed.bucket)) continue;
      subscribed.confirmed = false;
      this.#unconfirmed.add(subscribed);
    }
    this.#flush ??= setImmediate(() => this.#confirm());
  }

  close(): void {
    clearInterval(this.#sweep);
    clearTimeout(this.#flush as NodeJS.Timeout | undefined);
    for (const { waiters } of this.#topics.values()) {
      for (const waiter of waiters) waiter.reject(unavailable('has been left'));
    }
    this.#topics.clear();
    this.#unconfirmed.clear();
    this.#lingering.clear();
  }

  #confirm(): void {
    this.#flush = undefined;
    const shards = this.#shards();
    const byLink = new Map<Link, Subscribed[]>();
    for (const subscribed of this.#unconfirmed) {
      const link = shards.linkOf(subscribed.bucket);
      if (link?.ready !== true) continue;
      const topics = byLink.get(link);
      if (topics === undefined) byLink.set(link, [subscribed]);
      else topics.push(subscribed);
    }
    for (const [link, topics] of byLink) {
      this.#subscribeOn(link, topics).catch((error: unknown) => {
        this.#logger.debug({ redis: link.name, err: error }, 'subscribing failed and will be tried again');
        this.#flush ??= setTimeout(() => this.#confirm(), RETRY_MS);
      });
    }
  }

  async #subscribeOn(link: Link, topics: readonly Subscribed[]): Promise<void> {
    const shards = this.#shards();
    const groups = shards.sharded ? groupByBucket(topics) : [topics];
    const { generation } = link;
    for (const subscribed of topics) this.#unconfirmed.delete(subscribed);
    await Promise.all(
      groups.map(async (group) => {
        try {
          await link.subscribe(group.map(({ channel }) => channel));
        } catch (error) {
          for (const subscribed of group) this.#markUnconfirmed(subscribed);
          throw error;
        }
        for (const subscribed of group) {
          if (link.generation === generation && shards.linkOf(subscribed.bucket) === link) confirm(subscribed);
          else this.#markUnconfirmed(subscribed);
        }
      }),
    );
  }

  #markUnconfirmed(subscribed: Subscribed): void {
    if (this.#topics.get(subscribed.topic) !== subscribed) return;
    subscribed.confirmed = false;
    this.#unconfirmed.add(subscribed);
    this.#flush ??= setTimeout(() => this.#confirm(), RETRY_MS);
  }

  #dropLingering(): void {
    const now = performance.now();
    const byLink = new Map<Link, Subscribed[]>();
    const shards = this.#shards();
    for (const [topic, until] of this.#lingering) {
      if (until > now) break;
      this.#lingering.delete(topic);
      const subscribed = this.#topics.get(topic);
      if (subscribed === undefined) continue;
      this.#forget(subscribed);
      const link = shards.linkOf(subscribed.bucket);
      if (link === undefined) continue;
      const topics = byLink.get(link);
      if (topics === undefined) byLink.set(link, [subscribed]);
      else topics.push(subscribed);
    }
    for (const [link, topics] of byLink) {
      for (const group of shards.sharded ? groupByBucket(topics) : [topics]) {
        link.unsubscribe(group.map(({ channel }) => channel)).catch((error: unknown) => {
          // The connection has gone, and with it what was subscribed on it.
          this.#logger.debug({ redis: link.name, err: error }, 'unsubscribing failed');
        });
      }
    }
  }

  #forget(subscribed: Subscribed): void {
    this.#topics.delete(subscribed.topic);
    this.#unconfirmed.delete(subscribed);
    this.#dropped(subscribed.topic);
  }
}

function confirm(subscribed: Subscribed): void {
  subscribed.confirmed = true;
  const { waiters } = subscribed;
  subscribed.waiters = [];
  for (const waiter of waiters) waiter.resolve();
}

/** Channels of one command must be of one slot in a Cluster. */
function groupByBucket(topics: readonly Subscribed[]): Subscribed[][] {
  const groups = new Map<number, Subscribed[]>();
  for (const subscribed of topics) {
    const group = groups.get(subscribed.bucket);
    if (group === undefined) groups.set(subscribed.bucket, [subscribed]);
    else group.push(subscribed);
  }
  return [...groups.values()];
}
