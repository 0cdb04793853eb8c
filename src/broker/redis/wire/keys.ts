import { appIdOf } from '../../../core/contracts/topic.ts';
import type { KeyName } from '../scripts/key-names.ts';

/**
 * The layout in Redis: `prefix` `LAYOUT` `{bucket}` `key name` `:` `name`, such as `fanfare:2{17}counts:app/orders`.
 * What each key holds is told in scripts/key-names.ts.
 *
 * What is changed in one step shares one hash tag, a bucket: a topic's keys and its pub/sub channel, and the index of
 * the bucket's occupied channels. Buckets, not topics, are what a Cluster spreads: a listing of an app's channels is a
 * fixed number of reads, and exact.
 *
 * Changing the number, the hash or a key's meaning makes nodes of two releases strangers: then change LAYOUT too.
 */
export const BUCKETS = 256;
const LAYOUT = '2';

/** How many topics' keys are kept at hand: twice as many at most, some kilobytes each if their names are long. */
const MAX_TOPICS_AT_HAND = 2048;

/** FNV-1a over UTF-16 units: cheap, and even enough for short names. */
export function bucketOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % BUCKETS;
}

/** The keys of one topic, or of something else that has a name. */
export interface TopicKeys {
  readonly bucket: number;
  /** Its pub/sub channel. */
  readonly channel: string;
  /** The keys of these names; the list is kept, so it must be one that stays. */
  of(names: readonly KeyName[]): readonly string[];
}

export class Keyspace {
  readonly #heads: readonly string[];
  /** Topics in use: those asked for lately, and those before them. */
  #recent = new Map<string, TopicKeys>();
  #older = new Map<string, TopicKeys>();

  constructor(prefix: string) {
    if (/[{}]/.test(prefix)) throw new Error('The key prefix for Redis must not hold a brace');
    this.#heads = Array.from({ length: BUCKETS }, (_, bucket) => `${prefix}${LAYOUT}{${bucket}}`);
  }

  topic(topic: string): TopicKeys {
    const recent = this.#recent.get(topic);
    if (recent !== undefined) return recent;
    if (this.#recent.size >= MAX_TOPICS_AT_HAND) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    const keys = this.#older.get(topic) ?? this.#derive(topic);
    this.#recent.set(topic, keys);
    return keys;
  }

  /** Keys of a bucket, and of an app in it. */
  ofBucket(bucket: number, names: readonly KeyName[], appId: string): string[] {
    return names.map((name) => this.#key(bucket, name, name === 'occupied' ? appId : ''));
  }

  /** The topic of a pub/sub channel. */
  topicOfChannel(channel: string): string {
    return channel.slice(channel.indexOf('}') + 'channel:'.length + 1);
  }

  #derive(topic: string): TopicKeys {
    const bucket = bucketOf(topic);
    const lists = new Map<readonly KeyName[], readonly string[]>();
    const appId = appIdOf(topic);
    return {
      bucket,
      channel: this.#key(bucket, 'channel', topic),
      of: (names) => {
        let list = lists.get(names);
        if (list === undefined) {
          list = names.map((name) => this.#key(bucket, name, ownerOf(name, topic, appId)));
          lists.set(names, list);
        }
        return list;
      },
    };
  }

  #key(bucket: number, name: KeyName, of: string): string {
    return `${this.#heads[bucket] ?? ''}${name}:${of}`;
  }
}

/** Whose the key is: a topic's, or its bucket's or app's, which other topics have too. */
function ownerOf(name: KeyName, topic: string, appId: string): string {
  if (name === 'facts' || name === 'outbox') return '';
  return name === 'occupied' ? appId : topic;
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
