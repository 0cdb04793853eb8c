import type { Current } from '../core/contracts/current.ts';
import type { Metrics } from '../core/contracts/metrics.ts';

/** The bounds that a body may meet, by their names in the metrics. */
export type BodyBound = 'body-bytes' | 'body-size' | 'body-chunks' | 'body-time';

/** A body that is on its way. */
export interface ArrivingBody {
  readonly heldBytes: number;
  /** Its memory is needed for others: refuses the request and lets go of what has come. */
  giveWay(): void;
}

/**
 * What all request bodies together may hold in memory on this node, from their first byte until they are answered. If
 * there is no room, whoever still sends and holds most gives way: so a few that hoard never keep out the many that
 * are small.
 */
export class BodyBudget {
  readonly #maxBytes: Current<number>;
  readonly #metrics: Metrics;
  readonly #arriving = new Set<ArrivingBody>();
  #heldBytes = 0;

  constructor(maxBytes: Current<number>, metrics: Metrics) {
    this.#maxBytes = maxBytes;
    this.#metrics = metrics;
    metrics.bounds.push({ name: 'body-bytes', limit: maxBytes, held: () => this.#heldBytes });
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Takes so many bytes, from others that are still arriving if need be; false if `body` would have to give way
   * itself.
   */
  take(body: ArrivingBody, bytes: number): boolean {
    while (this.#heldBytes + bytes > this.#maxBytes()) {
      const largest = this.#largest();
      if (largest === undefined || largest === body || largest.heldBytes <= body.heldBytes + bytes) return false;
      largest.giveWay();
    }
    this.#heldBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#heldBytes -= bytes;
  }

  /** More of it is to come, so it may have to give way. */
  arriving(body: ArrivingBody): void {
    this.#arriving.add(body);
  }

  /** It is complete, refused or aborted. */
  arrived(body: ArrivingBody): void {
    this.#arriving.delete(body);
  }

  /** A body met a bound, its own or this one, and was refused. */
  refused(bound: BodyBound): void {
    this.#metrics.refused.add(bound);
  }

  #largest(): ArrivingBody | undefined {
    let largest: ArrivingBody | undefined;
    for (const body of this.#arriving) {
      if (largest === undefined || body.heldBytes > largest.heldBytes) largest = body;
    }
    return largest;
  }
}
