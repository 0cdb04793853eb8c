import { randomBytes } from 'node:crypto';
import type { Cluster } from '../core/cluster/cluster.ts';
import { isJsonObject } from '../protocol/frames.ts';
import type { TailBatch, TailFilter, Tails } from './tail.ts';

/** How often a tail says to the other nodes that it still looks. */
const RENEW_MS = 5000;
/** A node that has not heard so for this long stops. */
const EXPIRE_MS = 15_000;
const CHECK_MS = 2000;

interface Remote {
  readonly end: () => void;
  renewedMs: number;
}

/**
 * A tail of what passes on every node: each samples for itself, and sends what it has gathered to the one that is
 * watched.
 */
export class ClusterTail {
  readonly #cluster: Cluster;
  readonly #tails: Tails;
  /** Tails of this node, which others send to. */
  readonly #open = new Map<string, (batch: TailBatch) => void>();
  /** Tails of other nodes. */
  readonly #remote = new Map<string, Remote>();
  #timer: NodeJS.Timeout | undefined;

  constructor(cluster: Cluster, tails: Tails) {
    this.#cluster = cluster;
    this.#tails = tails;
    cluster.answer('tail', ({ id, filter }, from) => {
      if (typeof id === 'string' && isJsonObject(filter)) this.#look(id, filter as unknown as TailFilter, from);
    });
    cluster.answer('tail-end', ({ id }) => this.#endRemote(String(id)));
    cluster.answer('tail-batch', ({ id, batch }) => this.#open.get(String(id))?.(batch as TailBatch));
  }

  /** @returns what ends it; undefined if there are as many tails as may be */
  open(filter: TailFilter, take: (batch: TailBatch) => void): (() => void) | undefined {
    const endHere = this.#tails.open(filter, take);
    if (endHere === undefined) return undefined;
    const id = randomBytes(8).toString('hex');
    this.#open.set(id, take);
    const renew = () => void this.#cluster.send(undefined, { kind: 'tail', from: this.#cluster.id, id, filter });
    renew();
    const timer = setInterval(renew, RENEW_MS);
    return () => {
      clearInterval(timer);
      endHere();
      this.#open.delete(id);
      void this.#cluster.send(undefined, { kind: 'tail-end', from: this.#cluster.id, id });
    };
  }

  close(): void {
    clearInterval(this.#timer);
    for (const id of this.#remote.keys()) this.#endRemote(id);
  }

  #look(id: string, filter: TailFilter, from: string): void {
    const known = this.#remote.get(id);
    if (known !== undefined) {
      known.renewedMs = Date.now();
      return;
    }
    const cluster = this.#cluster;
    const end = this.#tails.open(filter, (batch) => {
      void cluster.send(from, { kind: 'tail-batch', from: cluster.id, id, batch });
    });
    if (end === undefined) return;
    this.#remote.set(id, { end, renewedMs: Date.now() });
    this.#timer ??= setInterval(() => this.#expire(), CHECK_MS).unref();
  }

  #expire(): void {
    const now = Date.now();
    for (const [id, { renewedMs }] of this.#remote) if (now - renewedMs > EXPIRE_MS) this.#endRemote(id);
  }

  #endRemote(id: string): void {
    this.#remote.get(id)?.end();
    this.#remote.delete(id);
    if (this.#remote.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
