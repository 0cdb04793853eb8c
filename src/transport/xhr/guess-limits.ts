import { BlocksToldApart } from '../../core/connection/blocks-told-apart.ts';

/** Requests of one address block at once for sessions that it did not open… */
const MAX_GUESSES = 30;
/** …and in the long run. A session's id has 50 bits: to hit one of 10,000 takes thousands of years. */
const PER_SECOND = 0.5;

interface Allowance {
  left: number;
  atMs: number;
}

/**
 * Limits requests for sessions that their address did not open. A phone that changes its address makes one; someone
 * who tries ids makes many, and beyond the limit is refused whether an id exists or not.
 */
export class GuessLimits {
  readonly #allowances = new BlocksToldApart<Allowance>(() => ({ left: MAX_GUESSES, atMs: 0 }));

  /** False if the address has made too many. */
  take(ip: string, nowMs: number): boolean {
    const allowance = this.#allowances.of(ip);
    allowance.left = Math.min(MAX_GUESSES, allowance.left + ((nowMs - allowance.atMs) / 1000) * PER_SECOND);
    allowance.atMs = nowMs;
    if (allowance.left < 1) return false;
    allowance.left -= 1;
    return true;
  }

  /** It was no guess. */
  giveBack(ip: string): void {
    const allowance = this.#allowances.of(ip);
    allowance.left = Math.min(MAX_GUESSES, allowance.left + 1);
  }

  /** Forgets those that have all their allowance again. */
  prune(nowMs: number): void {
    const fullAgainMs = (MAX_GUESSES / PER_SECOND) * 1000;
    this.#allowances.forget(({ atMs }) => nowMs - atMs > fullAgainMs);
  }
}
