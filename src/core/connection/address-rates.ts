import { addressBlock } from './address-block.ts';

/** Address blocks that are told apart within a minute; those beyond are counted as one. */
const MAX_COUNTED_BLOCKS = 10_000;
const MINUTE_MS = 60_000;

/** Counts what comes from each address, or /64 of IPv6, in each minute of the clock. */
export class AddressRates {
  readonly #counts = new Map<string, number>();
  #minute = 0;

  /** Counts one more; gives how many there were in this minute, this one included. */
  count(ip: string, nowMs: number): number {
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#counts.clear();
    }
    const block = addressBlock(ip);
    const counted = this.#counts.has(block) || this.#counts.size < MAX_COUNTED_BLOCKS ? block : '';
    const count = (this.#counts.get(counted) ?? 0) + 1;
    this.#counts.set(counted, count);
    return count;
  }
}

/** Until another minute begins: at least a second. */
export function secondsOfMinuteLeft(nowMs: number): number {
  return Math.max(1, Math.ceil((MINUTE_MS - (nowMs % MINUTE_MS)) / 1000));
}
