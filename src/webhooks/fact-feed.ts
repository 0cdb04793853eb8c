import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { BrokerUnavailable } from '../core/contracts/broker.ts';
import type { Current } from '../core/contracts/current.ts';
import type { Logger } from '../core/contracts/logger.ts';
import { type Fact, type Outbox, type OutboxReader, PAGE_FACTS } from '../core/contracts/outbox.ts';
import { Debounce, type DebounceOutlet } from './debounce.ts';
import type { Telling } from './telling.ts';

export interface FactFeedOptions {
  readonly outbox: Outbox;
  /** Whose place in the outbox it is. */
  readonly name: string;
  /** What the facts are for, in lines of the log: `webhooks`. */
  readonly what: string;
  /** Whether any app wants to be told: nothing is read before. */
  readonly isWanted: () => boolean;
  readonly graceSeconds: Current<number>;
  readonly outlet: DebounceOutlet;
  readonly logger: Logger;
}

const POLL_MS = 100;
/** Nothing is read while so many facts, or so much, waits to be told. */
const MAX_FACTS_IN_HAND = 20_000;
const MAX_FACT_BYTES_IN_HAND = 64 * 1024 * 1024;
/** In one turn of the event loop: most of them may have to be given up, which takes its time. */
const RELEASED_EARLY = 200;

/** Reads the outbox for one purpose, hands each fact on once it is due, and knows which are in hand. */
export class FactFeed {
  readonly #options: FactFeedOptions;
  readonly #debounce: Debounce;
  readonly #inHand = new Map<string, Telling>();
  #inHandBytes = 0;
  readonly #stopping = new AbortController();
  #reader: OutboxReader | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: FactFeedOptions) {
    this.#options = options;
    this.#debounce = new Debounce(options.graceSeconds, options.outlet);
  }

  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Reads no more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Reads all there is, and hands on what is not due yet too. */
  async drain(): Promise<void> {
    for (;;) if ((await this.#readSome()) === 0) break;
    this.#debounce.release(Number.POSITIVE_INFINITY, true);
  }

  async close(): Promise<void> {
    await this.#reader?.close();
  }

  /** Whether it is this node's to tell still. If not, it is no longer in hand. */
  holds(telling: Telling): boolean {
    if (this.#reader?.holds(telling.fact) === true) return true;
    // Given again, it begins anew; unless that has happened already.
    const { id } = telling.fact;
    if (this.#inHand.get(id) === telling) this.#letGo(telling);
    return false;
  }

  /** It has been told, or is not to be; `done` is to follow. */
  putDown({ fact }: Telling): void {
    const known = this.#inHand.get(fact.id);
    if (known !== undefined) this.#letGo(known);
  }

  async done(facts: readonly Fact[]): Promise<void> {
    await this.#reader?.done(facts);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const found = await this.#readSome();
      // There may be very many, each of which takes its time.
      if (found > 0) await nextTurn();
      else await Promise.allSettled([delay(POLL_MS, undefined, { signal, ref: false })]);
    }
  }

  get #isFull(): boolean {
    return this.#inHand.size >= MAX_FACTS_IN_HAND || this.#inHandBytes >= MAX_FACT_BYTES_IN_HAND;
  }

  #letGo({ fact }: Telling): void {
    if (this.#inHand.delete(fact.id)) this.#inHandBytes -= fact.bytes;
  }

  /** Gives how many facts went on: if none, there is nothing to do for now. */
  async #readSome(): Promise<number> {
    const { outbox, name, what, isWanted, logger } = this.#options;
    // What is kept back is in hand as well: some of it goes on early, lest it waits for a read that waits for room.
    if (this.#isFull) return this.#debounce.releaseEarly(RELEASED_EARLY);
    if (this.#reader === undefined) {
      if (!isWanted()) return 0;
      this.#reader = outbox.reader(name);
    }
    try {
      const begunMs = performance.now();
      const facts = await this.#reader.next();
      for (const fact of facts) this.#take(fact);
      // What a going waits for has been read by now, unless there was more than one read gives.
      this.#debounce.release(begunMs, facts.length < PAGE_FACTS);
      return facts.length;
    } catch (error) {
      if (error instanceof BrokerUnavailable) logger.debug({ err: error }, `${what} wait for Redis`);
      else logger.error({ err: error }, `facts for ${what} could not be read`);
      return 0;
    }
  }

  #take(fact: Fact): void {
    const known = this.#inHand.get(fact.id);
    if (known !== undefined) {
      // Given again after it was in doubt who is to tell it.
      known.fact = fact;
      return;
    }
    const telling: Telling = { fact, open: 0 };
    this.#inHand.set(fact.id, telling);
    this.#inHandBytes += fact.bytes;
    this.#debounce.take(telling);
  }
}
