/** So much of it is as usual: what a client asks for that has just connected. */
export const MAX_ASKED_AT_ONCE = 50;

/** So much is as usual later on. */
const MAX_ASKED_PER_SECOND = 5;

/** Tells what one connection asks for as clients do from what it asks for beyond that. */
export class Burst {
  #left = MAX_ASKED_AT_ONCE;
  #filledAtMs: number;

  constructor(nowMs: number) {
    this.#filledAtMs = nowMs;
  }

  /** Takes one; false if it is beyond the usual. */
  take(nowMs: number): boolean {
    if (this.#left < 1) this.#fill(nowMs);
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  #fill(nowMs: number): void {
    this.#left = Math.min(MAX_ASKED_AT_ONCE, this.#left + ((nowMs - this.#filledAtMs) / 1000) * MAX_ASKED_PER_SECOND);
    this.#filledAtMs = nowMs;
  }
}
