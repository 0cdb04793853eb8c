import { randomBytes } from 'node:crypto';
import { ALL_NODES, RENEW_LEASE } from '../scripts/lease.ts';
import { type Deferred, deferred } from '../wire/deferred.ts';
import type { RedisStore } from '../wire/store.ts';
import { unavailable } from '../wire/trouble.ts';

export interface LeaseOwner {
  /**
   * The lease had ended: another node took this one for dead, or Redis has lost it. All entries must be written again,
   * and then what is left of the former incarnations removed.
   */
  replaced(former: readonly string[]): Promise<void>;
  /** Removes what a dead incarnation has; called again later if it rejects. */
  bury(incarnation: string): Promise<void>;
  /** The lease has been renewed. */
  renewed(): void;
}

/** Incarnations of this process that may still have entries. */
const MAX_FORMER_INCARNATIONS = 5;

/**
 * Tells the other nodes that this one lives. Its entries in Redis bear the name of its present incarnation. If the
 * lease is not renewed in time, another node removes them, and this one, if it lives, goes on under a new name.
 */
export class Lease {
  readonly #store: RedisStore;
  readonly #owner: LeaseOwner;
  readonly #leaseMs: number;
  #incarnation = newIncarnation();
  #former: string[] = [];
  #begun = false;
  #doubted = false;
  /** By `performance.now()`: until then no other node can think that the lease has ended. */
  #validUntil = 0;
  /** The same, of a renewal that is not done with yet. */
  #pendingUntil = 0;
  /** Since when renewals have come in time. */
  #healthySince = Number.POSITIVE_INFINITY;
  #untilValid: Deferred<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;
  #wantedAgain = false;
  #closed = false;

  constructor(store: RedisStore, owner: LeaseOwner) {
    this.#store = store;
    this.#owner = owner;
    this.#leaseMs = store.settings.leaseSeconds * 1000;
  }

  get incarnation(): string {
    return this.#incarnation;
  }

  /** Earlier incarnations of this process: entries may still bear their names. */
  get former(): readonly string[] {
    return this.#former;
  }

  get valid(): boolean {
    return performance.now() < this.#validUntil;
  }

  /** Whether a lease has passed without trouble: before that, others have not had their time to come back. */
  get proven(): boolean {
    return performance.now() - this.#healthySince >= this.#leaseMs;
  }

  start(): void {
    this.#schedule(0);
  }

  /**
   * The incarnation to write entries under; waits while the lease is in doubt, so that nothing is written for a dead
   * one. Rejects with BrokerUnavailable if the node has left before the lease holds.
   */
  async held(): Promise<string> {
    while (!this.valid) {
      if (this.#closed) throw unavailable('has been left');
      this.#untilValid ??= deferred<void>();
      await this.#untilValid.promise;
    }
    return this.#incarnation;
  }

  /** Renews now rather than when it is due. */
  check(): void {
    this.#schedule(0);
  }

  /**
   * Goes on under a new incarnation, for what Redis has of the present one may not be what this node had it confirm.
   */
  replace(): void {
    this.#doubted = true;
    this.#schedule(0);
  }

  /** Ends the lease; gives the incarnations whose entries are to be removed. */
  async end(): Promise<readonly string[]> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#renewing;
    this.#untilValid?.resolve();
    return [this.#incarnation, ...this.#former];
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#renewNow(), delayMs);
    this.#timer.unref();
  }

  /** One renewal at a time; one that is wanted meanwhile follows it. */
  #renewNow(): void {
    if (this.#renewing !== undefined) {
      this.#wantedAgain = true;
      return;
    }
    this.#renewing = this.#renew().finally(() => {
      this.#renewing = undefined;
      const soonMs = this.#wantedAgain ? 0 : Math.min(100, this.#leaseMs / 3);
      this.#schedule(this.valid && !this.#wantedAgain ? this.#leaseMs / 3 : soonMs);
      this.#wantedAgain = false;
    });
  }

  async #renew(): Promise<void> {
    try {
      const doubted = this.#doubted;
      const { stands, dead } = doubted ? { stands: false, dead: [] } : await this.#send(!this.#begun, []);
      if (stands) {
        this.#begun = true;
        this.#stands();
        for (const incarnation of dead) void this.#bury(incarnation);
        return;
      }
      const ended = this.#incarnation;
      const reason = doubted ? 'Redis may have lost entries' : 'the lease of this node had ended';
      this.#store.logger.warn({ incarnation: ended, reason }, 'this node writes its entries anew');
      this.#former = [ended, ...this.#former].slice(0, MAX_FORMER_INCARNATIONS);
      this.#incarnation = newIncarnation();
      this.#begun = false;
      // Whatever was in doubt is written again now.
      this.#doubted = false;
      this.#healthySince = Number.POSITIVE_INFINITY;
      await this.#send(true, this.#former);
      this.#begun = true;
      this.#stands();
      void this.#replaced([...this.#former]);
    } catch (error) {
      if (!this.valid) this.#healthySince = Number.POSITIVE_INFINITY;
      this.#store.logger.debug({ err: error }, 'the lease could not be renewed');
    }
  }

  async #send(begin: boolean, former: readonly string[]): Promise<{ stands: boolean; dead: readonly string[] }> {
    const sentAt = performance.now();
    const reply = await this.#store.run(
      RENEW_LEASE,
      ALL_NODES,
      [this.#incarnation, this.#leaseMs, begin ? '1' : '0', this.proven ? '1' : '0', ...former],
      { deadline: performance.now() + Math.max(500, this.#leaseMs / 3), repeatable: true },
    );
    // The lease in Redis began after this moment, so it ends after this node thinks it does.
    if (reply.stands) this.#pendingUntil = sentAt + this.#leaseMs;
    return reply;
  }

  #stands(): void {
    if (!this.valid || !Number.isFinite(this.#healthySince)) this.#healthySince = performance.now();
    this.#validUntil = this.#pendingUntil;
    this.#untilValid?.resolve();
    this.#untilValid = undefined;
    this.#owner.renewed();
  }

  /** Takes its time, while renewals go on. */
  async #replaced(former: readonly string[]): Promise<void> {
    try {
      await this.#owner.replaced(former);
    } catch (error) {
      this.#store.logger.warn({ err: error }, 'the entries of this node could not all be written again');
    }
  }

  async #bury(incarnation: string): Promise<void> {
    try {
      await this.#owner.bury(incarnation);
    } catch (error) {
      this.#store.logger.warn({ incarnation, err: error }, 'the entries of a dead node could not all be removed yet');
    }
  }
}

function newIncarnation(): string {
  return randomBytes(6).toString('base64url');
}
