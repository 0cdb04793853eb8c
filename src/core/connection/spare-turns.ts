import { performance } from 'node:perf_hooks';

/** So many begin at a time, if they are messages of clients. */
const MAX_SPARE_BEGUN = 5;

/** However busy the event loop is, after so long some more begin. */
const MAX_SPARE_PAUSE_MS = 20;

/** Before more begin, the event loop has been idle for so many times as long as it was busy. */
const IDLE_FOR_BUSY = 3;

/** Between two looks at whether more may begin. */
const LOOK_MS = 1;

/**
 * Work that may wait while there is other work: a few begin at a time, and no more before the event loop has then been
 * idle for three times as long as it was busy, or for a pause at most. So however much is brought of it, it takes a
 * quarter of the loop's time, and whatever else comes, and passes the loop several times, finds it idle as a rule.
 */
export class SpareTurns {
  readonly #atATime: number;
  readonly #pauseMs: number;
  #left: number;
  #since = performance.eventLoopUtilization();
  #waiting: (() => void)[] = [];
  #isLooking = false;

  constructor(atATime = MAX_SPARE_BEGUN, pauseMs = MAX_SPARE_PAUSE_MS) {
    this.#atATime = atATime;
    this.#pauseMs = pauseMs;
    this.#left = atATime;
  }

  /** Undefined if the work may begin at once; else it may when the promise resolves, in the order of the calls. */
  take(): Promise<void> | undefined {
    if (!this.#isLooking && this.#mayBegin()) {
      this.#left -= 1;
      return undefined;
    }
    this.#look();
    return new Promise((begin) => {
      this.#waiting.push(begin);
    });
  }

  #mayBegin(): boolean {
    if (this.#left > 0) return true;
    const { idle, active } = performance.eventLoopUtilization(this.#since);
    if (idle < IDLE_FOR_BUSY * active && idle + active < this.#pauseMs) return false;
    this.#since = performance.eventLoopUtilization();
    this.#left = this.#atATime;
    return true;
  }

  #look(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    setTimeout(() => {
      this.#isLooking = false;
      this.#begin();
    }, LOOK_MS);
  }

  #begin(): void {
    if (this.#mayBegin()) {
      const begun = this.#waiting.splice(0, this.#left);
      this.#left -= begun.length;
      for (const begin of begun) begin();
    }
    if (this.#waiting.length > 0) this.#look();
  }
}
