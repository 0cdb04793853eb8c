/** Counts events in each second of the clock. */
export class RateWindow {
  #second = 0;
  #taken = 0;

  /** Takes one; false if this second's are taken. @param perSecond how many may pass in a second; 0: no limit */
  take(nowMs: number, perSecond: number): boolean {
    if (perSecond === 0) return true;
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    if (this.#taken >= perSecond) return false;
    this.#taken += 1;
    return true;
  }
}
