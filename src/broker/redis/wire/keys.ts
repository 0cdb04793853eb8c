/**
 * The layout in Redis. What belongs together in one atomic step has one hash tag, a bucket: a topic's keys and channel,
 * and the index of the bucket's channels. Buckets, not topics, are what a Cluster spreads: a listing of an app's
 * channels is a fixed number of reads, and exact.
 *
 * Changing the number, the hash or a key's meaning makes nodes of two releases strangers: then change LAYOUT too.
 */
export const BUCKETS = 256;
const LAYOUT = '2';

/**
 * What keys hold:
 * - `n` hash: incarnation -> subscriptions, signed-in connections or client connections there
 * - `s` hash: presence channel's socket id -> `incarnation userId`
 * - `m` hash: presence channel's user id -> `connections info`
 * - `v` string: number of the topic's last change of members, or of a user's last going on- or offline
 * - `i` hash, one for each bucket and app: occupied channel -> `subscriptions users`
 * - `c` string: a cache channel's last event
 * - `o` hash and `x` stream: a topic's log (see log-scripts.ts)
 * - `r` hash: a session that can be resumed: the socket id that has it, and what was saved
 * - `t` the topic's pub/sub channel
 * - `h` hash: what an incarnation may have entries under, each the kind of entry and its name -> number of its
 *   listing
 * - `l` zset: live incarnations by the time at which their lease ends, in milliseconds; `d`: dead ones by the time
 *   until which one node has taken it upon itself to remove what they held
 * - `w` hash: what backends have taken of an app's allowance in one second
 */
export type KeyKind = 'n' | 's' | 'm' | 'v' | 'i' | 'c' | 'o' | 'x' | 'r' | 't' | 'h' | 'l' | 'd' | 'w';

/** FNV-1a over UTF-16 units: cheap, and even enough for short names. */
export function bucketOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % BUCKETS;
}

/** The bucket of what is one for all: the leases. */
export const COMMON_BUCKET = 0;

export class Keyspace {
  readonly #heads: readonly string[];

  constructor(prefix: string) {
    if (/[{}]/.test(prefix)) throw new Error('The key prefix for Redis must not hold a brace');
    this.#heads = Array.from({ length: BUCKETS }, (_, bucket) => `${prefix}${LAYOUT}{${bucket}}`);
  }

  key(bucket: number, kind: KeyKind, name: string): string {
    return `${this.#heads[bucket] ?? ''}${kind}:${name}`;
  }

  /** The topic of a pub/sub channel that `key` has named. */
  topicOfChannel(channel: string): string {
    return channel.slice(channel.indexOf('}') + 3);
  }
}

/** The slot of a bucket's keys in a Redis Cluster: CRC-16/XMODEM of the hash tag. */
export function slotOfBucket(bucket: number): number {
  let crc = 0;
  for (const digit of Buffer.from(String(bucket))) {
    crc ^= digit << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
  }
  return (crc & 0xffff) % 16_384;
}
