import { deferred } from '../wire/deferred.ts';
import { bucketOf } from '../wire/keys.ts';
import type { RedisStore } from '../wire/store.ts';
import type { Lease } from './lease.ts';

/** What a node may have entries under: the kind of the entries, and the topic. */
export type HeldKind = 'counted' | 'members' | 'user' | 'places';

const LETTERS: Readonly<Record<HeldKind, string>> = Object.freeze({
  counted: 'c',
  members: 'm',
  user: 'u',
  places: 'p',
});

export interface Held {
  readonly kind: HeldKind;
  readonly topic: string;
}

const FOREVER = Number.POSITIVE_INFINITY;
const PER_COMMAND = 500;

/**
 * The list of what this node may have entries under, written before the first entry is: when the node dies, it tells
 * the others where to look. It may name more than there is.
 */
export class HeldIndex {
  readonly #store: RedisStore;
  readonly #lease: Lease;
  #incarnation = '';
  #listed = new Set<string>();
  /** Listed, but without entries: dropped at the next renewal but one. */
  #idle = new Set<string>();
  #oldIdle = new Set<string>();
  #waiting: { readonly items: string[]; readonly written: Promise<void> } | undefined;

  constructor(store: RedisStore, lease: Lease) {
    this.#store = store;
    this.#lease = lease;
  }

  /** The incarnation to write an entry under, once it is known where to look for it. */
  async claim(kind: HeldKind, topic: string): Promise<string> {
    const item = LETTERS[kind] + topic;
    for (;;) {
      const incarnation = await this.#lease.held();
      if (incarnation !== this.#incarnation) this.#begin(incarnation);
      this.#idle.delete(item);
      this.#oldIdle.delete(item);
      if (this.#listed.has(item)) return incarnation;
      await this.#write(item);
    }
  }

  /** Nothing is left there for now. */
  release(kind: HeldKind, topic: string): void {
    const item = LETTERS[kind] + topic;
    if (this.#listed.has(item)) this.#idle.add(item);
  }

  /** Takes what has been idle for a while from the list. */
  async tidy(): Promise<void> {
    const items = [...this.#oldIdle];
    this.#oldIdle = this.#idle;
    this.#idle = new Set();
    // Not sent twice: by then the topic may be held again. What stays listed does no harm.
    const once = { deadline: performance.now(), repeatable: false };
    for (const item of items) this.#listed.delete(item);
    for (let at = 0; at < items.length; at += PER_COMMAND) {
      const command = ['SREM', this.#key(this.#incarnation), ...items.slice(at, at + PER_COMMAND)] as const;
      await this.#store.command(bucketOf(this.#incarnation), command, once);
    }
  }

  /** What an incarnation may have entries under. */
  async read(incarnation: string, take: (held: readonly Held[]) => Promise<void>): Promise<void> {
    let cursor = '0';
    do {
      const reply = await this.#store.command(
        bucketOf(incarnation),
        ['SSCAN', this.#key(incarnation), cursor, 'COUNT', 500],
        this.#store.patience(),
      );
      const [next, items] = Array.isArray(reply) ? (reply as unknown[]) : [];
      if (typeof next !== 'string' || !Array.isArray(items))
        throw new Error('Redis gave SSCAN an answer of another form');
      await take((items as unknown[]).map((item) => readItem(String(item))));
      cursor = next;
    } while (cursor !== '0');
  }

  async forget(incarnation: string): Promise<void> {
    await this.#store.command(bucketOf(incarnation), ['DEL', this.#key(incarnation)], this.#store.patience());
  }

  #begin(incarnation: string): void {
    this.#incarnation = incarnation;
    this.#listed = new Set();
    this.#idle = new Set();
    this.#oldIdle = new Set();
    this.#waiting = undefined;
  }

  /** Items of one turn of the event loop are written together. */
  #write(item: string): Promise<void> {
    if (this.#waiting === undefined) {
      const written = deferred<void>();
      const waiting = { items: [] as string[], written: written.promise };
      this.#waiting = waiting;
      const incarnation = this.#incarnation;
      setImmediate(() => {
        if (this.#waiting === waiting) this.#waiting = undefined;
        this.#send(incarnation, waiting.items).then(written.resolve, written.reject);
      });
    }
    this.#waiting.items.push(item);
    return this.#waiting.written;
  }

  async #send(incarnation: string, items: readonly string[]): Promise<void> {
    for (let at = 0; at < items.length; at += PER_COMMAND) {
      const some = items.slice(at, at + PER_COMMAND);
      const command = ['SADD', this.#key(incarnation), ...some] as const;
      await this.#store.command(bucketOf(incarnation), command, { deadline: FOREVER, repeatable: true });
      if (incarnation === this.#incarnation) for (const item of some) this.#listed.add(item);
    }
  }

  #key(incarnation: string): string {
    return this.#store.key('h', incarnation);
  }
}

function readItem(item: string): Held {
  for (const [kind, letter] of Object.entries(LETTERS)) {
    if (item.startsWith(letter)) return { kind: kind as HeldKind, topic: item.slice(1) };
  }
  throw new Error('A list of what a node holds names a kind that is not known');
}
