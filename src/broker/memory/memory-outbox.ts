import type { Logger } from '../../core/contracts/logger.ts';
import { createMetrics, type Metrics } from '../../core/contracts/metrics.ts';
import {
  type Fact,
  factOf,
  type NewFact,
  type Outbox,
  type OutboxBacklog,
  type OutboxReader,
  type WantsFact,
} from '../../core/contracts/outbox.ts';
import { type Share, Shares } from './shares.ts';

/** What is kept that has not been told: whatever bound is met first. */
const MAX_FACTS = 20_000;
const MAX_FACT_BYTES = 16 * 1024 * 1024;
const MAX_FACT_SECONDS = 3600;
export const OUTBOX_BOUNDS = Object.freeze({
  maxFacts: MAX_FACTS,
  maxBytes: MAX_FACT_BYTES,
  maxAgeSeconds: MAX_FACT_SECONDS,
});

const FACTS_AT_ONCE = 100;
const LOG_INTERVAL_MS = 10_000;
const OLD_CHECK_MS = 1000;
const DROPPED = 'facts were dropped before they were told';

/** A reader: what all its ends have in common. */
interface Reading {
  /** The facts that nobody has been given, and those that were given and are not done. */
  readonly waiting: Set<Fact>;
  readonly given: Set<Fact>;
  /** The end that is given the facts. */
  holder: OutboxReader | undefined;
}

export interface MemoryOutboxOptions {
  readonly now?: () => number;
  readonly metrics?: Metrics;
}

/** The outbox of a single node, which ends with it. */
export class MemoryOutbox implements Outbox {
  readonly outlivesNode = false;
  readonly wants: WantsFact;
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  readonly #now: () => number;
  /** Those that a reader wants still. */
  readonly #facts = new Map<Fact, Share<Fact>>();
  readonly #shares = new Shares<Fact>();
  readonly #readings = new Map<string, Reading>();
  #bytes = 0;
  #lastId = 0;
  #dropped = 0;
  #loggedAtMs = 0;
  #oldCheckedAtMs = 0;

  constructor(wants: WantsFact, logger: Logger, options: MemoryOutboxOptions = {}) {
    const { now = Date.now, metrics = createMetrics() } = options;
    this.wants = wants;
    this.#logger = logger;
    this.#metrics = metrics;
    this.#now = now;
    metrics.bounds.push(
      { name: 'facts', limit: () => MAX_FACTS, held: () => this.#facts.size },
      { name: 'fact-bytes', limit: () => MAX_FACT_BYTES, held: () => this.#bytes },
    );
  }

  async write(facts: readonly NewFact[]): Promise<void> {
    for (const fact of facts) this.tell(fact);
  }

  /** Keeps a fact if it is wanted. */
  tell(told: NewFact): void {
    if (!this.wants(told.kind, told.appId, told.channel)) return;
    const atMs = this.#now();
    this.#lastId += 1;
    const fact = factOf(told, `${atMs}-${this.#lastId}`, atMs);
    this.#facts.set(fact, this.#shares.add(told.appId, fact, fact.bytes));
    this.#bytes += fact.bytes;
    for (const { waiting } of this.#readings.values()) waiting.add(fact);
    this.#trim(atMs);
  }

  async backlog(): Promise<OutboxBacklog> {
    let waitedMs = 0;
    for (const { atMs } of this.#shares.oldest()) waitedMs = Math.max(waitedMs, this.#now() - atMs);
    return { facts: this.#facts.size, oldestSeconds: waitedMs / 1000 };
  }

  reader(name: string): OutboxReader {
    let reading = this.#readings.get(name);
    if (reading === undefined) {
      reading = { waiting: new Set(this.#facts.keys()), given: new Set(), holder: undefined };
      this.#readings.set(name, reading);
    }
    return new MemoryOutboxReader(reading, (fact) => this.#forgetIfDone(fact));
  }

  /** One line in ten seconds at most, however many are dropped. */
  #countDropped(nowMs: number): void {
    this.#dropped += 1;
    if (nowMs - this.#loggedAtMs < LOG_INTERVAL_MS) return;
    this.#loggedAtMs = nowMs;
    this.#logger.warn({ dropped: this.#dropped }, DROPPED);
    this.#dropped = 0;
  }

  #forgetIfDone(fact: Fact): void {
    for (const { waiting, given } of this.#readings.values()) if (waiting.has(fact) || given.has(fact)) return;
    this.#forget(fact);
  }

  #forget(fact: Fact): void {
    const share = this.#facts.get(fact);
    if (share === undefined) return;
    this.#bytes -= fact.bytes;
    this.#shares.remove(share, fact, fact.bytes);
    this.#facts.delete(fact);
  }

  /** Beyond the bounds, the app that has the most loses its oldest. */
  #trim(nowMs: number): void {
    const { maxFacts, maxBytes } = OUTBOX_BOUNDS;
    for (;;) {
      const isFull = this.#facts.size > maxFacts;
      if (!isFull && this.#bytes <= maxBytes) break;
      const oldest = this.#shares.oldestOfMost(isFull ? 'keys' : 'bytes');
      if (oldest === undefined) break;
      this.#drop(oldest, isFull ? 'facts' : 'fact-bytes', nowMs);
    }
    if (nowMs - this.#oldCheckedAtMs >= OLD_CHECK_MS) this.#dropOld(nowMs);
  }

  #dropOld(nowMs: number): void {
    this.#oldCheckedAtMs = nowMs;
    const isOld = ({ atMs }: Fact) => nowMs - atMs > OUTBOX_BOUNDS.maxAgeSeconds * 1000;
    for (;;) {
      const old = [...this.#shares.oldest()].filter(isOld);
      if (old.length === 0) return;
      for (const fact of old) this.#drop(fact, 'facts', nowMs);
    }
  }

  #drop(fact: Fact, bound: 'facts' | 'fact-bytes', nowMs: number): void {
    this.#metrics.refused.add(bound);
    this.#forget(fact);
    this.#countDropped(nowMs);
    for (const { waiting, given } of this.#readings.values()) {
      waiting.delete(fact);
      given.delete(fact);
    }
  }
}

class MemoryOutboxReader implements OutboxReader {
  readonly #reading: Reading;
  readonly #finished: (fact: Fact) => void;

  constructor(reading: Reading, finished: (fact: Fact) => void) {
    this.#reading = reading;
    this.#finished = finished;
  }

  async next(): Promise<readonly Fact[]> {
    const { waiting, given } = this.#reading;
    this.#reading.holder ??= this;
    const facts: Fact[] = [];
    if (this.#reading.holder !== this) return facts;
    for (const fact of waiting) {
      if (facts.length === FACTS_AT_ONCE) break;
      waiting.delete(fact);
      given.add(fact);
      facts.push(fact);
    }
    return facts;
  }

  async done(facts: readonly Fact[]): Promise<void> {
    for (const fact of facts) {
      this.#reading.given.delete(fact);
      this.#finished(fact);
    }
  }

  holds(fact: Fact): boolean {
    return this.#reading.holder === this && this.#reading.given.has(fact);
  }

  async close(): Promise<void> {
    if (this.#reading.holder !== this) return;
    const { waiting, given } = this.#reading;
    // What was given comes before what was not.
    const later = [...waiting];
    waiting.clear();
    for (const fact of [...given, ...later]) waiting.add(fact);
    given.clear();
    this.#reading.holder = undefined;
  }
}
