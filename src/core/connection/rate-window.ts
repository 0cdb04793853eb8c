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

/** Counts events on each topic in each second of the clock. What it holds is bounded by what comes in a second. */
export class TopicRates {
  readonly #taken = new Map<string, number>();
  #second = 0;

  /** Takes one; false if the topic's in this second are taken. @param perSecond 0: no limit */
  take(topic: string, nowMs: number, perSecond: number): boolean {
    if (perSecond === 0) return true;
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken.clear();
    }
    const taken = this.#taken.get(topic) ?? 0;
    if (taken >= perSecond) return false;
    this.#taken.set(topic, taken + 1);
    return true;
  }
}
