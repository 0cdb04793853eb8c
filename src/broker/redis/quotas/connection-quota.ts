import type { NodeEntries } from '../lease/node-entries.ts';
import { type Change, type Reconciled, Reconciler } from '../lease/reconciler.ts';
import { TAKE_PLACES } from '../scripts/quotas.ts';
import { type Deferred, deferred } from '../wire/deferred.ts';
import { settledWithin } from '../wire/settled-within.ts';
import { type RedisStore, UNTIL_DONE } from '../wire/store.ts';

interface PlaceChange extends Change {
  readonly socketId: string;
  readonly limit: number;
  readonly done: Deferred<boolean>;
}

/**
 * One app's connections on this node, and their number in Redis while the app has a limit. Whoever waits too long for
 * Redis is let in or refused by what this node alone has.
 */
export class ConnectionQuota implements Reconciled<PlaceChange, boolean> {
  readonly #topic: string;
  readonly #store: RedisStore;
  readonly #node: NodeEntries;
  readonly #reconciler: Reconciler<PlaceChange, boolean>;
  readonly #sockets = new Set<string>();
  /** Undefined while Redis has no number of this node's: without a limit, it needs none. */
  #written: number | undefined;
  #incarnation = '';

  constructor(topic: string, store: RedisStore, node: NodeEntries) {
    this.#topic = topic;
    this.#store = store;
    this.#node = node;
    const atOnce = Number.POSITIVE_INFINITY;
    this.#reconciler = new Reconciler(this, { ...node.under('connections', topic), atOnce });
  }

  /** False if the limit is reached. Connections that come together are one question. */
  async connect(socketId: string, limit: number): Promise<boolean> {
    if (this.#sockets.has(socketId)) return true;
    if (limit === 0 || !this.#store.isReady() || !this.#node.lease.valid) return this.#connectHere(socketId, limit);
    const change: PlaceChange = { socketId, limit, done: deferred<boolean>() };
    this.#reconciler.add(change);
    return settledWithin(change.done.promise, this.#store.settings.acceptTimeoutSeconds * 1000, () => {
      this.#reconciler.giveUp(change);
      return this.#connectHere(socketId, limit);
    });
  }

  disconnect(socketId: string): void {
    if (this.#sockets.delete(socketId)) this.#tell();
  }

  catchUp(): Promise<void> {
    return this.#reconciler.catchUp();
  }

  isBehind(incarnation: string): boolean {
    if (this.#written === undefined) return false;
    return this.#written !== this.#sockets.size || (this.#written > 0 && this.#incarnation !== incarnation);
  }

  /** If a change is given up meanwhile, its place is not taken here, and the next write gives it back. */
  async write(incarnation: string, changes: readonly PlaceChange[]): Promise<boolean[]> {
    const has = this.#sockets.size;
    const limit = changes[0]?.limit ?? 0;
    const args = [incarnation, has, changes.length, limit, ...this.#node.lease.former] as const;
    const admitted = await this.#store.run(TAKE_PLACES, this.#topic, args, UNTIL_DONE);
    this.#written = has + admitted;
    this.#incarnation = incarnation;
    return changes.map((_, at) => at < admitted);
  }

  take({ socketId, done }: PlaceChange, hasPlace: boolean): void {
    if (hasPlace) this.#sockets.add(socketId);
    done.resolve(hasPlace);
  }

  rest(): void {
    // The app stays, so its number does too.
  }

  #connectHere(socketId: string, limit: number): boolean {
    if (limit > 0 && this.#sockets.size >= limit) return false;
    this.#sockets.add(socketId);
    this.#tell();
    return true;
  }

  /** Nobody waits for it: Redis is told as soon as it can be. */
  #tell(): void {
    this.#reconciler.catchUp().catch((error: unknown) => {
      this.#store.logger.debug({ err: error }, 'the connections of this node are no longer counted');
    });
  }
}
