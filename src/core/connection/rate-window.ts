/** Counts events in each second of the clock. */
export class RateWindow {
  readonly #perSecond: number;
  #second = 0;
  #taken = 0;

  /** @param perSecond how many may pass in a second; 0: no limit */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Takes one; false where this second's are taken. */
  take(nowMs: number): boolean {
    if (this.#perSecond === 0) return true;
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    if (this.#taken >= this.#perSecond) return false;
    this.#taken += 1;
    return true;
  }
}
