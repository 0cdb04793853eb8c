import { Allowance } from '../../core/connection/allowance.ts';
import { BlocksToldApart } from '../../core/connection/blocks-told-apart.ts';

/** Requests of one address block at once for sessions that it did not open… */
const MAX_GUESSES = 30;
/** …and in the long run. A session's id has 50 bits: to hit one of 10,000 takes thousands of years. */
const PER_SECOND = 0.5;

/**
 * Limits requests for sessions that their address did not open. A phone that changes its address makes one; someone
 * who tries ids makes many, and beyond the limit is refused whether an id exists or not.
 */
export class GuessLimits {
  readonly #allowances = new BlocksToldApart(() => new Allowance(MAX_GUESSES, PER_SECOND, 0));

  /** False if the address has made too many. */
  take(ip: string, nowMs: number): boolean {
    return this.#allowances.of(ip).take(nowMs);
  }

  /** It was no guess. */
  giveBack(ip: string): void {
    this.#allowances.of(ip).giveBack();
  }

  /** Forgets those that have all their allowance again. */
  prune(nowMs: number): void {
    this.#allowances.forget((allowance) => allowance.isWhole(nowMs));
  }
}
