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
  readonly #maxBytes: number;
  readonly #arriving = new Set<ArrivingBody>();
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Takes so many bytes, from others that are still arriving if need be; false if `body` would have to give way
   * itself.
   */
  take(body: ArrivingBody, bytes: number): boolean {
    while (this.#heldBytes + bytes > this.#maxBytes) {
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

  #largest(): ArrivingBody | undefined {
    let largest: ArrivingBody | undefined;
    for (const body of this.#arriving) {
      if (largest === undefined || body.heldBytes > largest.heldBytes) largest = body;
    }
    return largest;
  }
}
