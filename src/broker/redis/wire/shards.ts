import type { RedisOptions } from 'ioredis';
import type { Logger } from '../../../core/contracts/logger.ts';
import { BUCKETS, slotOfBucket } from './keys.ts';
import { Link, type LinkOwner } from './link.ts';
import type { RedisSettings } from './settings.ts';
import type { RedisAddress, RedisTarget } from './url.ts';

/** Which server has which buckets. */
export interface Shards {
  /** Publishes within shards and not to the whole Cluster. */
  readonly sharded: boolean;
  linkOf(bucket: number): Link | undefined;
  links(): readonly Link[];
  /** Something was not where it was thought to be: find out anew. */
  refresh(): void;
  close(): Promise<void>;
}

/** What a Cluster's nodes tell beside what a link does. */
export interface ShardsOwner extends LinkOwner {
  /** Buckets are another link's now, which need not be ready. `from` is whether they had one before. */
  reassigned(buckets: readonly number[], link: Link, from: boolean): void;
}

/** How often a Cluster is asked who has what, if nothing has failed. */
const REFRESH_INTERVAL_MS = 5000;
const REFRESH_PAUSE_MS = 100;

export function createShards(target: RedisTarget, settings: RedisSettings, owner: ShardsOwner, logger: Logger): Shards {
  return target.kind === 'cluster'
    ? new ClusterShards(target, settings, owner, logger)
    : new SingleShard(target, settings, owner, logger);
}

function connectionOptions(target: RedisTarget, settings: RedisSettings): RedisOptions {
  const timeoutMs = settings.acceptTimeoutSeconds * 1000;
  const tls = target.tls ? { tls: settings.ca === undefined ? {} : { ca: settings.ca } } : {};
  return {
    username: target.username,
    password: target.password,
    db: target.database,
    connectTimeout: Math.max(timeoutMs, 1000),
    socketTimeout: timeoutMs,
    ...tls,
  };
}

function heartbeatMs(settings: RedisSettings): number {
  return Math.max(100, settings.acceptTimeoutSeconds * 500);
}

/** One server, or the one that the sentinels call the master. */
class SingleShard implements Shards {
  readonly sharded = false;
  readonly #link: Link;

  constructor(target: RedisTarget, settings: RedisSettings, owner: ShardsOwner, logger: Logger) {
    const [first] = target.addresses;
    const common = connectionOptions(target, settings);
    const options: RedisOptions =
      target.kind === 'sentinel'
        ? {
            ...common,
            sentinels: [...target.addresses],
            name: target.masterName,
            sentinelUsername: target.sentinelUsername,
            sentinelPassword: target.sentinelPassword,
            sentinelCommandTimeout: settings.acceptTimeoutSeconds * 1000,
            sentinelRetryStrategy: (attempt: number) => Math.min(attempt * 50, 500),
            enableTLSForSentinelMode: target.tls,
            ...(common.tls == null ? {} : { sentinelTLS: common.tls }),
            failoverDetector: true,
          }
        : { ...common, ...first };
    const name = target.kind === 'sentinel' ? `sentinel ${target.masterName}` : nameOf(first ?? { host: '', port: 0 });
    this.#link = new Link(name, options, { owner, sharded: false, logger, heartbeatMs: heartbeatMs(settings) });
  }

  linkOf(): Link {
    return this.#link;
  }

  links(): readonly Link[] {
    return [this.#link];
  }

  /** The server says that it is a replica, or cannot write: the sentinels may know another one. */
  refresh(): void {
    if (this.#link.ready) this.#link.reconnect();
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}

/** The masters of a Cluster. Asks any node it knows for the slots, at intervals and whenever a slot was not found. */
class ClusterShards implements Shards {
  readonly sharded = true;
  readonly #target: RedisTarget;
  readonly #settings: RedisSettings;
  readonly #owner: ShardsOwner;
  readonly #logger: Logger;
  readonly #links = new Map<string, Link>();
  /** By bucket: the name of the server that has it. */
  #holders: readonly (string | undefined)[] = [];
  readonly #slots = Array.from({ length: BUCKETS }, (_, bucket) => slotOfBucket(bucket));
  #timer: NodeJS.Timeout;
  #refreshing = false;
  #closed = false;

  constructor(target: RedisTarget, settings: RedisSettings, owner: ShardsOwner, logger: Logger) {
    this.#target = target;
    this.#settings = settings;
    this.#owner = owner;
    this.#logger = logger;
    // Until the slots are known, the first servers' links are there to be asked.
    for (const address of target.addresses) this.#linkTo(address);
    this.#timer = setTimeout(() => void this.#refresh(), 0);
  }

  linkOf(bucket: number): Link | undefined {
    const name = this.#holders[bucket];
    return name === undefined ? undefined : this.#links.get(name);
  }

  links(): readonly Link[] {
    return [...this.#links.values()];
  }

  refresh(): void {
    this.#refreshIn(REFRESH_PAUSE_MS);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await Promise.all(this.links().map((link) => link.close()));
  }

  #refreshIn(delayMs: number): void {
    if (this.#closed || this.#refreshing) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#refresh(), delayMs);
  }

  async #refresh(): Promise<void> {
    this.#refreshing = true;
    let known = false;
    try {
      // Every server may have got another address: begin again with what the configuration names.
      if (!this.links().some((link) => link.connected)) {
        for (const address of this.#target.addresses) this.#linkTo(address);
      }
      for (const link of this.links()) {
        const holders = await this.#ask(link);
        if (holders === undefined) continue;
        this.#adopt(holders);
        // If one is away, another may be about to take its place.
        known = this.#holders.every((holder) => holder !== undefined && this.#links.get(holder)?.ready === true);
        break;
      }
    } finally {
      this.#refreshing = false;
      this.#refreshIn(known ? REFRESH_INTERVAL_MS : REFRESH_PAUSE_MS);
    }
  }

  /** By bucket: the server that has it, as one of them says. */
  async #ask(link: Link): Promise<(RedisAddress | undefined)[] | undefined> {
    if (!link.connected) return undefined;
    let reply: unknown;
    try {
      reply = await link.send('CLUSTER', ['SLOTS']);
    } catch (error) {
      this.#logger.debug({ redis: link.name, err: error }, 'a Redis Cluster node did not tell its slots');
      return undefined;
    }
    const ranges = readSlots(reply, link);
    if (ranges.length === 0) return undefined;
    return this.#slots.map((slot) => ranges.find(({ first, last }) => slot >= first && slot <= last)?.master);
  }

  #adopt(holders: readonly (RedisAddress | undefined)[]): void {
    const before = this.#holders;
    this.#holders = holders.map((address) => (address === undefined ? undefined : nameOf(address)));
    const moved = new Map<Link, number[]>();
    for (const [bucket, address] of holders.entries()) {
      if (address === undefined) continue;
      const link = this.#linkTo(address);
      if (before[bucket] === this.#holders[bucket]) continue;
      const buckets = moved.get(link);
      if (buckets === undefined) moved.set(link, [bucket]);
      else buckets.push(bucket);
    }
    const from = before.some((holder) => holder !== undefined);
    for (const [link, buckets] of moved) this.#owner.reassigned(buckets, link, from);
    const needed = new Set(this.#holders);
    for (const [name, link] of this.#links) {
      if (needed.has(name)) continue;
      this.#links.delete(name);
      void link.close();
    }
  }

  #linkTo(address: RedisAddress): Link {
    const name = nameOf(address);
    let link = this.#links.get(name);
    if (link === undefined) {
      const options = { ...connectionOptions(this.#target, this.#settings), ...address };
      link = new Link(name, options, {
        owner: this.#owner,
        sharded: true,
        logger: this.#logger,
        heartbeatMs: heartbeatMs(this.#settings),
      });
      this.#links.set(name, link);
    }
    return link;
  }
}

interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly master: RedisAddress;
}

function nameOf({ host, port }: RedisAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `CLUSTER SLOTS`: ranges, each with its master first. A node that does not know its own address leaves it empty. */
function readSlots(reply: unknown, link: Link): SlotRange[] {
  if (!Array.isArray(reply)) return [];
  const ranges: SlotRange[] = [];
  for (const range of reply as unknown[]) {
    const [first, last, master] = Array.isArray(range) ? (range as unknown[]) : [];
    const [host, port] = Array.isArray(master) ? (master as unknown[]) : [];
    if (typeof first !== 'number' || typeof last !== 'number' || typeof port !== 'number') continue;
    const known = typeof host === 'string' && host !== '' && host !== '?';
    ranges.push({ first, last, master: { host: known ? host : link.name.slice(0, link.name.lastIndexOf(':')), port } });
  }
  return ranges;
}
