import { FORGET_HOLDINGS, LIST_HOLDINGS, SCAN_HOLDINGS, TAKE_OFF_HOLDINGS } from '../scripts/lease.ts';
import { batchesOf } from '../wire/batches.ts';
import { deferred } from '../wire/deferred.ts';
import { type RedisStore, UNTIL_DONE } from '../wire/store.ts';
import type { Lease } from './lease.ts';

/** What entries are of: client connections, presence members, users' signed-in connections, channels' subscriptions. */
export type HoldingKind = 'connections' | 'members' | 'sign-ins' | 'subscriptions';

const LETTERS: Readonly<Record<HoldingKind, string>> = Object.freeze({
  connections: 'c',
  members: 'm',
  'sign-ins': 'u',
  subscriptions: 's',
});

export interface Holding {
  readonly kind: HoldingKind;
  readonly topic: string;
}

const PER_COMMAND = 500;

/**
 * What this node may have entries under, listed in Redis before the first entry is written: if the node dies, the list
 * tells the others where to look. It may name more than there is, but never less.
 *
 * Each listing has a number. Taking one off names the number, so a listing written meanwhile stays, in whatever order
 * Redis carries the two out.
 */
export class Holdings {
  readonly #store: RedisStore;
  readonly #lease: Lease;
  #incarnation = '';
  #lastNumber = 0;
  /** Items that Redis has confirmed, with the number of their listing. */
  #listed = new Map<string, number>();
  /** Listed, but without entries: taken off at the renewal after next. */
  #idle = new Set<string>();
  #oldIdle = new Set<string>();
  /** To be taken off in Redis; they count as not listed already. */
  #leaving = new Map<string, number>();
  #batch: { readonly items: string[]; readonly written: Promise<void> } | undefined;
  #tidying = false;

  constructor(store: RedisStore, lease: Lease) {
    this.#store = store;
    this.#lease = lease;
  }

  /** The incarnation to write an entry under, once Redis has it listed. */
  async claim(kind: HoldingKind, topic: string): Promise<string> {
    const item = LETTERS[kind] + topic;
    for (;;) {
      const incarnation = await this.#lease.held();
      if (incarnation !== this.#incarnation) this.#begin(incarnation);
      this.#idle.delete(item);
      this.#oldIdle.delete(item);
      if (this.#listed.has(item)) return incarnation;
      await this.#list(item);
    }
  }

  /** There is no entry under the topic any more. */
  release(kind: HoldingKind, topic: string): void {
    const item = LETTERS[kind] + topic;
    if (this.#listed.has(item)) this.#idle.add(item);
  }

  /** Takes what has been idle since the last call but one off the list. Called at each renewal of the lease. */
  async tidy(): Promise<void> {
    for (const item of this.#oldIdle) {
      const number = this.#listed.get(item);
      if (number !== undefined) this.#leaving.set(item, number);
      this.#listed.delete(item);
    }
    this.#oldIdle = this.#idle;
    this.#idle = new Set();
    if (this.#tidying) return;
    this.#tidying = true;
    try {
      await this.#takeOff(this.#incarnation, this.#leaving);
    } finally {
      this.#tidying = false;
    }
  }

  /** What an incarnation may have entries under. */
  async read(incarnation: string, take: (holdings: readonly Holding[]) => Promise<void>): Promise<void> {
    let cursor = '0';
    do {
      const args = [cursor, 'COUNT', PER_COMMAND] as const;
      const found = await this.#store.run(SCAN_HOLDINGS, incarnation, args, this.#store.patience());
      await take(found.items.map(readItem));
      cursor = found.cursor;
    } while (cursor !== '0');
  }

  async forget(incarnation: string): Promise<void> {
    await this.#store.run(FORGET_HOLDINGS, incarnation, [], this.#store.patience());
  }

  #begin(incarnation: string): void {
    this.#incarnation = incarnation;
    this.#listed = new Map();
    this.#idle = new Set();
    this.#oldIdle = new Set();
    this.#leaving = new Map();
    this.#batch = undefined;
  }

  /** Items of one turn of the event loop are written together. */
  #list(item: string): Promise<void> {
    if (this.#batch === undefined) {
      const written = deferred<void>();
      const batch = { items: [] as string[], written: written.promise };
      this.#batch = batch;
      const incarnation = this.#incarnation;
      setImmediate(() => {
        if (this.#batch === batch) this.#batch = undefined;
        this.#write(incarnation, batch.items).then(written.resolve, written.reject);
      });
    }
    this.#batch.items.push(item);
    return this.#batch.written;
  }

  async #write(incarnation: string, items: readonly string[]): Promise<void> {
    this.#lastNumber += 1;
    const number = this.#lastNumber;
    for (const some of batchesOf(items, PER_COMMAND)) {
      const listings = some.flatMap((item) => [item, number]);
      await this.#store.run(LIST_HOLDINGS, incarnation, listings, UNTIL_DONE);
      if (incarnation === this.#incarnation) for (const item of some) this.#listed.set(item, number);
    }
  }

  async #takeOff(incarnation: string, leaving: Map<string, number>): Promise<void> {
    for (const some of batchesOf([...leaving], PER_COMMAND)) {
      await this.#store.run(TAKE_OFF_HOLDINGS, incarnation, some.flat(), this.#store.patience());
      for (const [item, number] of some) if (leaving.get(item) === number) leaving.delete(item);
    }
  }
}

function readItem(item: string): Holding {
  for (const [kind, letter] of Object.entries(LETTERS)) {
    if (item.startsWith(letter)) return { kind: kind as HoldingKind, topic: item.slice(1) };
  }
  throw new Error('A list of what a node holds names a kind that is not known');
}
