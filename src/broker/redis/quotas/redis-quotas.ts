import type { App } from '../../../core/contracts/app.ts';
import type { QuotaKind, Quotas } from '../../../core/contracts/quotas.ts';
import { topicOf } from '../../../core/contracts/topic.ts';
import type { Holdings } from '../lease/holdings.ts';
import type { Lease } from '../lease/lease.ts';
import type { LeasedEntries } from '../lease/leased-entries.ts';
import type { RedisStore } from '../wire/store.ts';
import { Allowance } from './allowance.ts';
import { Places } from './connection-quota.ts';

/**
 * Counts what apps use over all nodes. While Redis is away, each node counts its own alone: connections and requests
 * are then let through up to the limit on each node.
 */
export class RedisQuotas implements Quotas, LeasedEntries {
  readonly #store: RedisStore;
  readonly #lease: Lease;
  readonly #holdings: Holdings;
  readonly #places = new Map<string, Places>();
  readonly #allowances = new Map<string, Allowance>();

  constructor(store: RedisStore, lease: Lease, holdings: Holdings) {
    this.#store = store;
    this.#lease = lease;
    this.#holdings = holdings;
  }

  connect(app: App, socketId: string): Promise<boolean> {
    let places = this.#places.get(app.id);
    if (places === undefined) {
      // No client can name such a channel, so the key is nobody else's.
      places = new Places(topicOf(app.id, '#places'), this.#store, this.#lease, this.#holdings);
      this.#places.set(app.id, places);
    }
    return places.take(socketId, app.limits.maxConnections);
  }

  async disconnect(app: App, socketId: string): Promise<void> {
    this.#places.get(app.id)?.give(socketId);
  }

  async take(app: App, kind: QuotaKind, count: number): Promise<number> {
    const limit = kind === 'triggers' ? app.limits.triggersPerSecond : app.limits.readsPerSecond;
    if (limit === 0) return 0;
    const name = `${app.id}/${kind}`;
    let allowance = this.#allowances.get(name);
    if (allowance === undefined) {
      allowance = new Allowance(name, this.#store);
      this.#allowances.set(name, allowance);
    }
    return (await allowance.take(count, limit)) ? 0 : 1;
  }

  async rewrite(): Promise<void> {
    await Promise.all([...this.#places.values()].map((places) => places.rewrite()));
  }
}
