/** So long a send waits for one that was sent before it and comes later. */
const MAX_EARLY_MS = 100;
/** So many may wait; the rest is delivered as it comes. */
const MAX_EARLY_SENDS = 64;
/** So many numbers are remembered, to tell a late send from a repeated one. */
const MAX_SENDS_REMEMBERED = 128;
/**
 * A page with several clients counts all their requests together: after so many gaps that nothing filled, none is
 * waited for.
 */
const MAX_SEND_GAPS = 3;

/**
 * Brings a session's sends into the order in which the page sent them, and takes each once. Each is a request of its
 * own, so that they overtake one another, and what stands between may repeat one. pusher-js numbers its requests (`n`
 * in the query).
 */
export class SendOrder {
  readonly #seen = new Set<number>();
  readonly #waiting = new Map<number, () => void>();
  #next: number;
  #gaps = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param opened the number of the request that opened the session */
  constructor(opened: number) {
    this.#next = opened + 1;
  }

  /** Calls `deliver` once it is its turn, and not at all for a repetition. */
  take(number: number, deliver: () => void): void {
    if (this.#seen.has(number)) return;
    this.#remember(number);
    const early = number > this.#next && this.#gaps < MAX_SEND_GAPS && this.#waiting.size < MAX_EARLY_SENDS;
    if (early) {
      this.#waiting.set(number, deliver);
      this.#timer ??= setTimeout(() => this.#skipGap(), MAX_EARLY_MS);
      return;
    }
    this.#next = Math.max(this.#next, number + 1);
    deliver();
    this.#deliverWaiting();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  #remember(number: number): void {
    this.#seen.add(number);
    if (this.#seen.size <= MAX_SENDS_REMEMBERED) return;
    for (const oldest of this.#seen) {
      this.#seen.delete(oldest);
      return;
    }
  }

  #skipGap(): void {
    this.#timer = undefined;
    this.#gaps += 1;
    this.#next = Math.min(...this.#waiting.keys());
    this.#deliverWaiting();
    if (this.#waiting.size > 0) this.#timer = setTimeout(() => this.#skipGap(), MAX_EARLY_MS);
  }

  #deliverWaiting(): void {
    for (let deliver = this.#waiting.get(this.#next); deliver !== undefined; deliver = this.#waiting.get(this.#next)) {
      this.#waiting.delete(this.#next);
      this.#next += 1;
      deliver();
    }
    if (this.#waiting.size > 0 || this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
