/** What has begun is dropped from the list's front in lots of this size. */
const COMPACT_AT = 1024;

interface Waiting {
  readonly cost: number;
  readonly begin: () => void;
}

/**
 * Work of one kind that many bring: only so much of it is begun in one turn of the event loop, whoever brings it, and
 * the rest waits in the order in which it came. So one that brings very much holds nobody else up.
 */
export class LoopTurns {
  readonly #perTurn: number;
  #taken = 0;
  #waiting: Waiting[] = [];
  #first = 0;
  #isScheduled = false;

  constructor(perTurn: number) {
    this.#perTurn = perTurn;
  }

  /**
   * Undefined if the work may begin at once; else it may when the promise resolves.
   *
   * @param cost by the measure of which a turn has so much; what costs more than that has a turn to itself
   */
  take(cost = 1): Promise<void> | undefined {
    this.#schedule();
    if (this.#first === this.#waiting.length && this.#hasRoomFor(cost)) {
      this.#taken += cost;
      return undefined;
    }
    return new Promise((begin) => {
      this.#waiting.push({ cost, begin });
    });
  }

  #hasRoomFor(cost: number): boolean {
    return this.#taken === 0 || this.#taken + cost <= this.#perTurn;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#next());
  }

  #next(): void {
    this.#isScheduled = false;
    this.#taken = 0;
    // As a rule nothing waits: each trigger's answer passes here.
    if (this.#first === this.#waiting.length) return;
    let end = this.#first;
    for (let next = this.#waiting[end]; next !== undefined && this.#hasRoomFor(next.cost); next = this.#waiting[end]) {
      this.#taken += next.cost;
      end += 1;
    }
    if (this.#taken > 0) this.#schedule();
    const begun = this.#waiting.slice(this.#first, end);
    this.#first = end;
    if (end === this.#waiting.length || end >= COMPACT_AT) {
      this.#waiting = this.#waiting.slice(end);
      this.#first = 0;
    }
    for (const { begin } of begun) begin();
  }
}
