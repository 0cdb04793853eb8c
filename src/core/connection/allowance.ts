/** So many at once, and so many a second in the long run. */
export class Allowance {
  readonly #most: number;
  readonly #perSecond: number;
  #left: number;
  #filledAtMs: number;

  constructor(most: number, perSecond: number, nowMs: number) {
    this.#most = most;
    this.#perSecond = perSecond;
    this.#left = most;
    this.#filledAtMs = nowMs;
  }

  /** Takes one; false if none is left. */
  take(nowMs: number): boolean {
    // A clock that is set back takes nothing away.
    const seconds = Math.max(0, nowMs - this.#filledAtMs) / 1000;
    this.#left = Math.min(this.#most, this.#left + seconds * this.#perSecond);
    this.#filledAtMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  giveBack(): void {
    this.#left = Math.min(this.#most, this.#left + 1);
  }

  /** Whether none has been taken for so long that it is whole again, however many were. */
  isWhole(nowMs: number): boolean {
    return nowMs - this.#filledAtMs > (this.#most / this.#perSecond) * 1000;
  }
}
