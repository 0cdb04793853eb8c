import type { Current } from '../core/contracts/current.ts';
import { ERROR_CODES } from '../protocol/error-codes.ts';

export interface ReceiveLimits {
  /** All frames of one client together, decompressed; never less than two of the largest. */
  readonly maxReceiveBytesPerSecond: number;
  /** How much of that at once: the event loop takes what is there in one turn. */
  readonly maxReceiveBytesAtOnce: number;
}

/** Why a client that sends more is closed. */
export const SENDS_TOO_MUCH = { ...ERROR_CODES.overCapacity, message: 'Too much was sent in a second' };

/** What a frame costs beside its bytes: so that many small ones, each of which takes its time, count too. */
const MESSAGE_COST_BYTES = 512;

/** How much one connection may send: so many bytes a second, and some of those at once. Looks at no clock until then. */
export class ReceiveAllowance {
  readonly #limits: Current<ReceiveLimits>;
  #leftBytes: number;
  #filledAtMs: number;

  constructor(limits: Current<ReceiveLimits>, nowMs = performance.now()) {
    this.#limits = limits;
    this.#leftBytes = limits().maxReceiveBytesAtOnce;
    this.#filledAtMs = nowMs;
  }

  /** Whether a message may be taken; once it may not, the connection is to be closed. */
  take(messageBytes: number, now: () => number = () => performance.now()): boolean {
    const costBytes = messageBytes + MESSAGE_COST_BYTES;
    if (this.#leftBytes < costBytes) this.#fill(now());
    this.#leftBytes -= costBytes;
    return this.#leftBytes >= 0;
  }

  #fill(nowMs: number): void {
    const { maxReceiveBytesPerSecond, maxReceiveBytesAtOnce } = this.#limits();
    const filledBytes = ((nowMs - this.#filledAtMs) / 1000) * maxReceiveBytesPerSecond;
    this.#leftBytes = Math.min(maxReceiveBytesAtOnce, this.#leftBytes + filledBytes);
    this.#filledAtMs = nowMs;
  }
}
