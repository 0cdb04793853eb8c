/** The longest that a timer of the platform can wait: 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Calls back once at a moment of the clock, however far away; one that has passed is reached at once. */
export class Deadline {
  #timer: NodeJS.Timeout | undefined;

  /** Replaces the moment that was set before. */
  set(atMs: number, reached: () => void): void {
    clearTimeout(this.#timer);
    const leftMs = atMs - Date.now();
    this.#timer =
      leftMs > MAX_TIMER_MS
        ? setTimeout(() => this.set(atMs, reached), MAX_TIMER_MS)
        : setTimeout(reached, Math.max(0, leftMs));
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
