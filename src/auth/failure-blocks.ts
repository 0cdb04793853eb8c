import { addressBlock } from '../core/connection/address-block.ts';
import { AddressRates } from '../core/connection/address-rates.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import { AuthRefusal, type RefusalCode } from './refusals.ts';

/** What guessing leads to. A token that has ended, and a rule that says no, are everyday. */
const GUESSES: ReadonlySet<RefusalCode> = new Set([
  'token_malformed',
  'token_algorithm_not_allowed',
  'token_unknown_key',
  'token_bad_signature',
]);

/** Addresses that are blocked at once: the one that was blocked first is let in again. */
const MAX_BLOCKED_ADDRESSES = 10_000;

export interface FailureLimits {
  /** For one address, or /64 of IPv6; 0: no limit. */
  readonly maxFailuresPerMinute: number;
  readonly failureBlockSeconds: number;
}

/** Keeps addresses out for a while that bring many tokens which nobody has signed. */
export class FailureBlocks {
  readonly #metrics: Metrics;
  readonly #now: () => number;
  readonly #failures = new AddressRates();
  readonly #blockedUntilMs = new Map<string, number>();

  constructor(metrics: Metrics, now: () => number = Date.now) {
    this.#metrics = metrics;
    this.#now = now;
  }

  /** Throws an AuthRefusal if the address is blocked. */
  check(ip: string): void {
    const block = addressBlock(ip);
    const untilMs = this.#blockedUntilMs.get(block);
    if (untilMs === undefined) return;
    const leftMs = untilMs - this.#now();
    if (leftMs <= 0) {
      this.#blockedUntilMs.delete(block);
      return;
    }
    this.#metrics.refused.add('failed-authorizations');
    throw new AuthRefusal('too_many_failures', undefined, { retryAfterSeconds: Math.ceil(leftMs / 1000) });
  }

  /** A request was refused. */
  count(ip: string, code: RefusalCode, { maxFailuresPerMinute, failureBlockSeconds }: FailureLimits): void {
    if (maxFailuresPerMinute === 0 || !GUESSES.has(code)) return;
    if (this.#failures.count(ip, this.#now()) < maxFailuresPerMinute) return;
    const [first] = this.#blockedUntilMs.keys();
    if (this.#blockedUntilMs.size >= MAX_BLOCKED_ADDRESSES && first !== undefined) this.#blockedUntilMs.delete(first);
    this.#blockedUntilMs.set(addressBlock(ip), this.#now() + failureBlockSeconds * 1000);
  }
}
