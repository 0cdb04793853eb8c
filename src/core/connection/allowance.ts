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
    if (!this.hasAny(nowMs)) return false;
    this.#left -= 1;
    return true;
  }

  hasAny(nowMs: number): boolean {
    this.#left = this.#leftAt(nowMs);
    this.#filledAtMs = nowMs;
    return this.#left >= 1;
  }

  /** Takes what has been spent already: more than is left comes off what is to come, but never more than it holds. */
  spend(amount: number, nowMs: number): void {
    this.#left = Math.max(-this.#most, this.#leftAt(nowMs) - amount);
    this.#filledAtMs = nowMs;
  }

  giveBack(): void {
    this.#left = Math.min(this.#most, this.#left + 1);
  }

  isWhole(nowMs: number): boolean {
    return this.#leftAt(nowMs) === this.#most;
  }

  #leftAt(nowMs: number): number {
    // A clock that is set back takes nothing away.
    const seconds = Math.max(0, nowMs - this.#filledAtMs) / 1000;
    return Math.min(this.#most, this.#left + seconds * this.#perSecond);
  }
}
