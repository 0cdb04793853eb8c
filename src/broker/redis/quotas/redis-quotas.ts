import type { App } from '../../../core/contracts/app.ts';
import type { QuotaKind, Quotas } from '../../../core/contracts/quotas.ts';
import { topicOf } from '../../../core/contracts/topic.ts';
import type { LeasedEntries } from '../lease/leased-entries.ts';
import type { NodeEntries } from '../lease/node-entries.ts';
import { FORGET_PLACES } from '../scripts/quotas.ts';
import type { RedisStore } from '../wire/store.ts';
import { Allowance } from './allowance.ts';
import { ConnectionQuota } from './connection-quota.ts';

/**
 * Counts what apps use over all nodes. While Redis is away, each node counts its own alone: connections and requests
 * are then let through up to the limit on each node.
 */
export class RedisQuotas implements Quotas, LeasedEntries {
  readonly #store: RedisStore;
  readonly #node: NodeEntries;
  readonly #connections = new Map<string, ConnectionQuota>();
  readonly #allowances = new Map<string, Allowance>();

  constructor(store: RedisStore, node: NodeEntries) {
    this.#store = store;
    this.#node = node;
    node.add('connections', this);
  }

  connect(app: App, socketId: string): Promise<boolean> {
    let quota = this.#connections.get(app.id);
    if (quota === undefined) {
      // No client can name such a channel, so the key is nobody else's.
      quota = new ConnectionQuota(topicOf(app.id, '#connections'), this.#store, this.#node);
      this.#connections.set(app.id, quota);
    }
    return quota.connect(socketId, app.limits.maxConnections);
  }

  async disconnect(app: App, socketId: string): Promise<void> {
    this.#connections.get(app.id)?.disconnect(socketId);
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
    await Promise.all([...this.#connections.values()].map((quota) => quota.catchUp()));
  }

  async bury(topic: string, incarnation: string): Promise<void> {
    await this.#store.run(FORGET_PLACES, topic, [incarnation], this.#store.patience());
  }
}
