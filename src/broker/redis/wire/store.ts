import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../../core/contracts/logger.ts';
import { type ArgumentsOf, argumentsOf, type Step } from '../scripts/step.ts';
import { type Deferred, deferred } from './deferred.ts';
import { BUCKETS, Keyspace } from './keys.ts';
import type { Interruption, Link } from './link.ts';
import type { RedisSettings } from './settings.ts';
import { createShards, type Shards, type ShardsOwner } from './shards.ts';
import { SubscribedTopics } from './topics.ts';
import { troubleOf, unavailable } from './trouble.ts';
import { parseRedisUrl } from './url.ts';

/** What those who keep state in Redis are told. */
export interface StoreListener {
  message(topic: string, text: string): void;
  /** These buckets' topics are heard again, and may have missed messages, or lost what Redis had confirmed. */
  interrupted(matches: (bucket: number) => boolean, loss: boolean): void;
  /** A server can be used, again or for the first time. */
  ready(): void;
  /** This node no longer hears the topic. */
  dropped(topic: string): void;
}

export interface Effort {
  /** By `performance.now()`: until then the call waits for a Redis that is away. */
  readonly deadline: number;
  /** Whether it may be sent again when nobody knows whether it was carried out. */
  readonly repeatable: boolean;
  /** It publishes: held back until other nodes, too, should be back from an interruption. */
  readonly publishes?: boolean;
}

interface Order<Names extends readonly string[], Reply> {
  readonly step: Step<Names, Reply>;
  readonly bucket: number;
  readonly keys: readonly string[];
  readonly args: ArgumentsOf<Names>;
  readonly effort: Effort;
}

/** For what must be done, however long Redis is away. */
export const UNTIL_DONE: Effort = Object.freeze({ deadline: Number.POSITIVE_INFINITY, repeatable: true });

const PAUSE_MS = 50;
const BUCKETS_AT_ONCE = 32;

/** Everything that the broker, the roster and the quotas share: the servers, who has what, and when to try again. */
export class RedisStore implements ShardsOwner {
  readonly settings: RedisSettings;
  readonly keys: Keyspace;
  readonly logger: Logger;
  readonly topics: SubscribedTopics;
  readonly #shards: Shards;
  readonly #listeners: StoreListener[] = [];
  readonly #waitingForLink = new Set<{ readonly bucket: number; readonly link: Deferred<Link> }>();
  #closed = false;

  constructor(settings: RedisSettings, logger: Logger) {
    const target = parseRedisUrl(settings.url);
    this.settings = settings;
    this.logger = logger;
    this.keys = new Keyspace(settings.keyPrefix);
    this.topics = new SubscribedTopics({
      shards: () => this.#shards,
      keys: this.keys,
      logger,
      lingerMs: settings.lingerSeconds * 1000,
      waitMs: settings.acceptTimeoutSeconds * 1000,
      dropped: (topic) => {
        for (const listener of this.#listeners) listener.dropped(topic);
      },
    });
    this.#shards = createShards(target, settings, this, logger);
  }

  listen(listener: StoreListener): void {
    this.#listeners.push(listener);
  }

  isReady(): boolean {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      if (this.#shards.linkOf(bucket)?.ready !== true) return false;
    }
    return true;
  }

  /** What a caller who waits for an answer gives a call that may be repeated. */
  patience(): Effort {
    return { deadline: performance.now() + this.settings.acceptTimeoutSeconds * 1000, repeatable: true };
  }

  /** What a publish gives: it is never sent twice; if nobody knows whether Redis had it, the caller is told so. */
  onePublish(): Effort {
    const deadline = performance.now() + this.settings.acceptTimeoutSeconds * 1000;
    return { deadline, repeatable: false, publishes: true };
  }

  /**
   * Carries a step out for a topic, again and again until it has been answered, or the effort is spent: then it rejects
   * with BrokerUnavailable.
   */
  run<const Names extends readonly string[], Reply>(
    step: Step<Names, Reply>,
    topic: string,
    args: ArgumentsOf<Names>,
    effort: Effort,
  ): Promise<Reply> {
    const keys = this.keys.topic(topic);
    return this.#carryOut({ step, bucket: keys.bucket, keys: keys.of(step.keys), args, effort });
  }

  /** The same for what a bucket has. */
  runOnBucket<const Names extends readonly string[], Reply>(
    step: Step<Names, Reply>,
    bucket: number,
    args: ArgumentsOf<Names>,
    effort: Effort,
  ): Promise<Reply> {
    return this.#carryOut({ step, bucket, keys: this.keys.ofBucket(bucket, step.keys, ''), args, effort });
  }

  /**
   * The same for all buckets, a number of them at once: the step is given the keys of one after another, of one app or
   * of none. Replies are in the order of the buckets, each for as many as there are buckets for a reply.
   */
  runOnBuckets<const Names extends readonly string[], Reply>(
    step: Step<Names, Reply>,
    appId: string,
    args: ArgumentsOf<Names>,
    effort: Effort,
  ): Promise<Reply[]> {
    // Keys of one script are of one slot in a Cluster; elsewhere, few scripts that are short enough to hold nobody up.
    const perScript = this.#shards.sharded ? 1 : BUCKETS_AT_ONCE;
    return Promise.all(
      Array.from({ length: BUCKETS / perScript }, (_, group) => {
        const first = group * perScript;
        const keys = Array.from({ length: perScript }, (_, at) =>
          this.keys.ofBucket(first + at, step.keys, appId),
        ).flat();
        return this.#carryOut({ step, bucket: first, keys, args, effort });
      }),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.topics.close();
    for (const { link } of this.#waitingForLink) link.reject(unavailable('has been left'));
    await this.#shards.close();
  }

  async resubscribe(link: Link): Promise<void> {
    await this.topics.resubscribe(link);
  }

  ready(link: Link, { gap, loss }: Interruption): void {
    for (const waiting of this.#waitingForLink) {
      if (this.#shards.linkOf(waiting.bucket) === link) waiting.link.resolve(link);
    }
    this.topics.confirmRest();
    if (this.#shards.sharded) this.#shards.refresh();
    for (const listener of this.#listeners) {
      if (gap) listener.interrupted((bucket) => this.#shards.linkOf(bucket) === link, loss);
      listener.ready();
    }
  }

  down(link: Link): void {
    this.topics.invalidate((bucket) => this.#shards.linkOf(bucket) === link);
    if (this.#shards.sharded) this.#shards.refresh();
  }

  reassigned(buckets: readonly number[], link: Link, from: boolean): void {
    const moved = new Set(buckets);
    const matches = (bucket: number) => moved.has(bucket);
    this.topics.invalidate(matches);
    if (from) link.holdPublishes();
    if (!link.ready) return;
    for (const waiting of this.#waitingForLink) if (moved.has(waiting.bucket)) waiting.link.resolve(link);
    // After a failover, the new server may not have all that the old one had confirmed.
    if (from) void this.#subscribeAgain(matches, true);
    else for (const listener of this.#listeners) listener.ready();
  }

  moved(link: Link): void {
    this.#shards.refresh();
    const matches = (bucket: number) => this.#shards.linkOf(bucket) === link;
    this.topics.invalidate(matches);
    void this.#subscribeAgain(matches, false);
  }

  message(channel: string, text: string): void {
    const topic = this.keys.topicOfChannel(channel);
    for (const listener of this.#listeners) listener.message(topic, text);
  }

  /** Tells of a gap once the topics are heard again. */
  async #subscribeAgain(matches: (bucket: number) => boolean, loss: boolean): Promise<void> {
    const topics = [...this.topics.of(matches)];
    const outcomes = await Promise.allSettled(topics.map((topic) => this.topics.subscribe(topic)));
    const failed = outcomes.filter(({ status }) => status === 'rejected').length;
    // Those are tried on, and heard again when their link is ready: that tells of the gap then.
    if (failed > 0) this.logger.warn({ topics: failed }, 'topics that moved in the Redis Cluster are not heard yet');
    for (const listener of this.#listeners) listener.interrupted(matches, loss);
  }

  /** Redis answers at the first try nearly always: that costs one promise beside the client's own. */
  #carryOut<Names extends readonly string[], Reply>(order: Order<Names, Reply>): Promise<Reply> {
    const link = this.#shards.linkOf(order.bucket);
    if (link?.ready !== true || (order.effort.publishes === true && link.publishHold !== undefined)) {
      return this.#carryOutLater(order, undefined);
    }
    return this.#send(order, link).then(order.step.read, (error: unknown) =>
      this.#carryOutLater(order, { link, error }),
    );
  }

  async #carryOutLater<Names extends readonly string[], Reply>(
    order: Order<Names, Reply>,
    failed: { readonly link: Link; readonly error: unknown } | undefined,
  ): Promise<Reply> {
    const { bucket, effort, step } = order;
    let failure = failed;
    for (;;) {
      if (failure !== undefined) await this.#recover(failure.link, failure.error, effort);
      const ready = this.#shards.linkOf(bucket);
      const link = ready?.ready === true ? ready : await this.#whenReady(bucket, effort.deadline);
      // All who wait go on in the order in which they came.
      if (effort.publishes === true && link.publishHold !== undefined) await link.publishHold;
      let reply: unknown;
      try {
        reply = await this.#send(order, link);
      } catch (error) {
        failure = { link, error };
        continue;
      }
      return step.read(reply);
    }
  }

  #send<Names extends readonly string[]>({ step, keys, args }: Order<Names, unknown>, link: Link): Promise<unknown> {
    const kind = this.#shards.sharded ? 'sharded' : 'single';
    return link.send(step.command[kind], argumentsOf(step, kind, keys, args));
  }

  /** Sees to it that another try is worth while, and waits a little. Throws if it is not, or the effort is spent. */
  async #recover(link: Link, error: unknown, effort: Effort): Promise<void> {
    const trouble = troubleOf(error);
    if (trouble === undefined) throw error;
    if (this.#closed) throw unavailable('has been left', error);
    if (trouble === 'lost' && !effort.repeatable) throw unavailable('did not confirm a command', error);
    if (trouble === 'moved' || isReadOnly(error)) this.#shards.refresh();
    if (trouble === 'script') {
      await link.loadScripts().catch((cause: unknown) => {
        this.logger.debug({ redis: link.name, err: cause }, 'scripts could not be loaded');
      });
    }
    if (performance.now() + PAUSE_MS > effort.deadline) throw unavailable('did not carry out a command', error);
    await delay(PAUSE_MS);
  }

  async #whenReady(bucket: number, deadline: number): Promise<Link> {
    const waiting = { bucket, link: deferred<Link>() };
    const limitMs = deadline - performance.now();
    if (this.#closed || limitMs <= 0) throw unavailable('is away');
    this.#waitingForLink.add(waiting);
    const timer = Number.isFinite(limitMs)
      ? setTimeout(() => waiting.link.reject(unavailable('is away')), limitMs)
      : undefined;
    try {
      return await waiting.link.promise;
    } finally {
      clearTimeout(timer);
      this.#waitingForLink.delete(waiting);
    }
  }
}

function isReadOnly(error: unknown): boolean {
  return error instanceof Error && /\b(READONLY|MASTERDOWN)\b/.test(error.message);
}
