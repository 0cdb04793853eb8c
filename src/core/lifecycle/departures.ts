/** Connections that have closed and still give up what was theirs. */
export class Departures {
  readonly #underWay = new Set<Promise<void>>();

  get size(): number {
    return this.#underWay.size;
  }

  /** @param departure never rejects */
  add(departure: Promise<void>): void {
    this.#underWay.add(departure);
    void departure.then(() => this.#underWay.delete(departure));
  }

  /** Resolves when all have left, those too that begin to meanwhile. */
  async all(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }
}
