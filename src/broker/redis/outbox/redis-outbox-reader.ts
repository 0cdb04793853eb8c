import { randomBytes } from 'node:crypto';
import { type Fact, type FactKind, factOf, type OutboxReader, PAGE_FACTS } from '../../../core/contracts/outbox.ts';
import { FINISH_FACTS, type FoundFacts, LEAVE_FACTS, READ_FACTS, type StoredFact } from '../scripts/outbox.ts';
import { BUCKETS } from '../wire/keys.ts';
import { type RedisStore, UNTIL_DONE } from '../wire/store.ts';

const LOG_INTERVAL_MS = 10_000;

/**
 * One node at a time has a bucket, for as long as it says in time that it still wants it: a node that died or was cut
 * off is followed by another one, which is given what the first has not done.
 */
export class RedisOutboxReader implements OutboxReader {
  readonly #name: string;
  readonly #store: RedisStore;
  readonly #leaseMs: number;
  readonly #renewal: NodeJS.Timeout;
  /** Another one after each time at which buckets may have gone to others: what was in hand is then given anew. */
  #owner = newOwner();
  /** By bucket, of `performance.now()`: no other node can have it before. */
  #heldUntil = new Map<number, number>();
  #given = new WeakSet<Fact>();
  #reading: Promise<unknown> = Promise.resolve();
  #lastReadMs = 0;
  #dropped = 0;
  #loggedAtMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(name: string, store: RedisStore) {
    this.#name = name;
    this.#store = store;
    this.#leaseMs = store.settings.leaseSeconds * 1000;
    this.#renewal = setInterval(() => this.#renew(), this.#leaseMs / 3);
    this.#renewal.unref();
  }

  next(): Promise<readonly Fact[]> {
    return this.#read(PAGE_FACTS);
  }

  async done(facts: readonly Fact[]): Promise<void> {
    const buckets = new Map<number, string[]>();
    for (const { id } of facts) {
      const bucket = bucketOfFact(id);
      const ids = buckets.get(bucket);
      if (ids === undefined) buckets.set(bucket, [storedIdOf(id)]);
      else ids.push(storedIdOf(id));
    }
    await Promise.all(
      Array.from(buckets, ([bucket, ids]) =>
        this.#store.runOnBucket(FINISH_FACTS, bucket, [this.#name, ...ids], UNTIL_DONE),
      ),
    );
  }

  holds(fact: Fact): boolean {
    const heldUntil = this.#heldUntil.get(bucketOfFact(fact.id)) ?? 0;
    return this.#given.has(fact) && performance.now() < heldUntil;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#renewal);
    await this.#reading;
    const owner = this.#owner;
    this.#lapse();
    if (!this.#store.isReady()) return;
    try {
      await this.#store.runOnBuckets(LEAVE_FACTS, '', [this.#name, owner], this.#store.patience());
    } catch (error) {
      this.#store.logger.debug({ err: error }, 'facts are left to other nodes when the lease of this one ends');
    }
  }

  /** Reads come one after another, so that each begins where the last one ended. */
  #read(count: number): Promise<readonly Fact[]> {
    const reading = this.#reading.then(() => (this.#closed ? [] : this.#readNow(count)));
    this.#reading = Promise.allSettled([reading]);
    return reading;
  }

  async #readNow(count: number): Promise<readonly Fact[]> {
    const sentAt = performance.now();
    if (this.#hasLapsed(sentAt)) this.#lapse();
    this.#lastReadMs = sentAt;
    let replies: FoundFacts[][];
    try {
      // What was read, and not answered, is given anew to the next owner.
      const effort = { ...this.#store.patience(), repeatable: false };
      const args = [this.#name, this.#owner, this.#leaseMs, count] as const;
      replies = await this.#store.runOnBuckets(READ_FACTS, '', args, effort);
    } catch (error) {
      this.#lapse();
      throw error;
    }
    // Whoever asked meanwhile was told that it holds nothing: it is given all of it anew, as to another owner.
    if (this.#hasLapsed(performance.now())) {
      this.#lapse();
      return [];
    }
    const facts: Fact[] = [];
    for (const [bucket, found] of replies.flat().entries()) {
      if (found.held) this.#heldUntil.set(bucket, sentAt + this.#leaseMs);
      else this.#heldUntil.delete(bucket);
      this.#dropped += found.dropped;
      for (const stored of found.facts) facts.push(readFact(bucket, stored));
    }
    for (const fact of facts) this.#given.add(fact);
    if (this.#dropped > 0) this.#tellDropped(sentAt);
    return facts;
  }

  /** One line in ten seconds at most, however many are dropped. */
  #tellDropped(nowMs: number): void {
    if (nowMs - this.#loggedAtMs < LOG_INTERVAL_MS) return;
    this.#loggedAtMs = nowMs;
    const fields = { reader: this.#name, dropped: this.#dropped };
    this.#store.logger.warn(fields, 'facts were dropped before they were told');
    this.#dropped = 0;
  }

  /** Keeps the buckets while nobody reads. */
  #renew(): void {
    if (this.#heldUntil.size === 0 || performance.now() - this.#lastReadMs < this.#leaseMs / 4) return;
    this.#read(0).catch((error: unknown) => {
      this.#store.logger.debug({ err: error }, 'facts of this node may go to another one');
    });
  }

  #hasLapsed(nowMs: number): boolean {
    for (const until of this.#heldUntil.values()) if (until <= nowMs) return true;
    return false;
  }

  #lapse(): void {
    this.#owner = newOwner();
    this.#heldUntil = new Map();
    this.#given = new WeakSet();
  }
}

function newOwner(): string {
  return randomBytes(9).toString('base64url');
}

/** `bucket-milliseconds-number`: the stream's own id, after the bucket that has the stream. */
function readFact(bucket: number, { id, fields }: StoredFact): Fact {
  const [, kind = '', , appId = '', , channel = '', , userId = '', , detail = ''] = fields;
  const told = {
    kind: kind as FactKind,
    appId,
    channel: channel === '' ? undefined : channel,
    userId: userId === '' ? undefined : userId,
    detail: detail === '' ? undefined : detail,
  };
  return factOf(told, `${bucket}-${id}`, Number(id.slice(0, id.indexOf('-'))));
}

function bucketOfFact(id: string): number {
  const bucket = Number(id.slice(0, id.indexOf('-')));
  if (!(bucket < BUCKETS)) throw new Error(`${id} is no id of a fact`);
  return bucket;
}

function storedIdOf(id: string): string {
  return id.slice(id.indexOf('-') + 1);
}
