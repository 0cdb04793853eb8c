import { ALL_NODES, FORGET_LEASE } from '../scripts/lease.ts';
import { inBatches } from '../wire/batches.ts';
import type { RedisStore } from '../wire/store.ts';
import { type Holding, type HoldingKind, Holdings } from './holdings.ts';
import { Lease } from './lease.ts';
import type { LeasedEntries } from './leased-entries.ts';
import type { ReconcilerOptions } from './reconciler.ts';

const BURIED_AT_ONCE = 100;

/** All that this node has in Redis under its lease. It also removes what dead nodes had. */
export class NodeEntries {
  readonly lease: Lease;
  readonly #store: RedisStore;
  readonly #holdings: Holdings;
  readonly #kinds = new Map<HoldingKind, LeasedEntries>();
  #rewritten: () => Promise<void> = async () => undefined;
  #closed = false;

  constructor(store: RedisStore) {
    this.#store = store;
    this.lease = new Lease(store, {
      replaced: (former) => this.#replaced(former),
      bury: (incarnation) => this.#bury(incarnation),
      renewed: () => void this.#tidy(),
    });
    const { lease } = this;
    this.#holdings = new Holdings(store, lease);
    store.listen({
      message: () => undefined,
      // Under a new incarnation everything is written again; whatever else Redis has goes with the old one.
      interrupted: (_, loss) => {
        if (loss) lease.replace();
      },
      ready: () => lease.check(),
      dropped: () => undefined,
    });
  }

  add(kind: HoldingKind, entries: LeasedEntries): void {
    this.#kinds.set(kind, entries);
  }

  /** Called when all has been written under a new incarnation, and nothing is left of the former ones. */
  whenRewritten(rewritten: () => Promise<void>): void {
    this.#rewritten = rewritten;
  }

  start(): void {
    this.lease.start();
  }

  /** What a reconciler of entries under a topic needs. */
  under(kind: HoldingKind, topic: string): Omit<ReconcilerOptions, 'atOnce'> {
    return {
      claim: () => this.#holdings.claim(kind, topic),
      incarnation: () => this.lease.incarnation,
      logger: this.#store.logger,
    };
  }

  /** There is no entry under the topic any more. */
  release(kind: HoldingKind, topic: string): void {
    this.#holdings.release(kind, topic);
  }

  /** Removes what is left of this node; what cannot be removed now is left to the others. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const incarnation of await this.lease.end()) {
      try {
        if (this.#store.isReady()) await this.#bury(incarnation);
      } catch (error) {
        this.#store.logger.warn({ err: error }, 'the entries of this node are left to the others to remove');
        return;
      }
    }
  }

  async #replaced(former: readonly string[]): Promise<void> {
    await Promise.all([...this.#kinds.values()].map((entries) => entries.rewrite()));
    for (const incarnation of former) await this.#bury(incarnation);
    await this.#rewritten();
  }

  /** May be repeated, and done by several nodes at once: what is gone already is not removed again. */
  async #bury(incarnation: string): Promise<void> {
    let buried = 0;
    await this.#holdings.read(incarnation, async (holdings) => {
      buried += holdings.length;
      await inBatches(holdings, BURIED_AT_ONCE, (holding) => this.#buryOne(holding, incarnation));
    });
    await this.#holdings.forget(incarnation);
    await this.#store.run(FORGET_LEASE, ALL_NODES, [incarnation], this.#store.patience());
    if (buried > 0) this.#store.logger.info({ incarnation, buried }, 'the entries of an ended lease have been removed');
  }

  async #buryOne({ kind, topic }: Holding, incarnation: string): Promise<void> {
    const entries = this.#kinds.get(kind);
    if (entries === undefined) throw new Error(`This node does not know how to remove ${kind}`);
    await entries.bury(topic, incarnation);
  }

  async #tidy(): Promise<void> {
    try {
      await this.#holdings.tidy();
    } catch (error) {
      this.#store.logger.debug({ err: error }, 'the list of what this node holds could not be shortened');
    }
  }
}
