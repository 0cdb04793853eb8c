/** What has begun is dropped from the list's front in lots of this size. */
const COMPACT_AT = 1024;

/**
 * Work of one kind that many bring: only so much of it is begun in one turn of the event loop, whoever brings it, and
 * the rest waits in the order in which it came. So one that brings very much holds nobody else up.
 */
export class LoopTurns {
  readonly #perTurn: number;
  #taken = 0;
  #waiting: (() => void)[] = [];
  #first = 0;
  #isScheduled = false;

  constructor(perTurn: number) {
    this.#perTurn = perTurn;
  }

  /** Undefined if the work may begin at once; else it may when the promise resolves. */
  take(): Promise<void> | undefined {
    this.#schedule();
    if (this.#taken < this.#perTurn) {
      this.#taken += 1;
      return undefined;
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#next());
  }

  #next(): void {
    this.#isScheduled = false;
    const end = Math.min(this.#waiting.length, this.#first + this.#perTurn);
    this.#taken = end - this.#first;
    if (this.#taken > 0) this.#schedule();
    const begin = this.#waiting.slice(this.#first, end);
    this.#first = end;
    if (end === this.#waiting.length || end >= COMPACT_AT) {
      this.#waiting = this.#waiting.slice(end);
      this.#first = 0;
    }
    for (const resolve of begin) resolve();
  }
}
