import { BlocksToldApart } from './blocks-told-apart.ts';

const MINUTE_MS = 60_000;

/** Counts what comes from each address, or /64 of IPv6, in each minute of the clock. */
export class AddressRates {
  readonly #counts = new BlocksToldApart(() => ({ count: 0 }));
  #minute = 0;

  /** Counts one more; gives how many there were in this minute, this one included. */
  count(ip: string, nowMs: number): number {
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#counts.clear();
    }
    const counted = this.#counts.of(ip);
    counted.count += 1;
    return counted.count;
  }
}

/** Until another minute begins: at least a second. */
export function secondsOfMinuteLeft(nowMs: number): number {
  return Math.max(1, Math.ceil((MINUTE_MS - (nowMs % MINUTE_MS)) / 1000));
}
