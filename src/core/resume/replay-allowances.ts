import { Allowance } from '../connection/allowance.ts';
import { BlocksToldApart } from '../connection/blocks-told-apart.ts';
import { SpareTurns } from '../connection/spare-turns.ts';

/** Characters of past events that the clients of one address are sent at once… */
const MAX_REPLAYED_CHARACTERS = 2 * 1024 * 1024;
/** …and of those a second in the long run. */
const MAX_REPLAYED_PER_SECOND = 200_000;

/** To send so much takes no longer than to join: it is not counted, so that all may come back at once. */
const LIKE_A_JOIN_CHARACTERS = 16 * 1024;

/** A replay may be as large as a log: of those that wait, one begins at a time. */
const MAX_REPLAYS_BEGUN = 1;
/** However busy the event loop is, after so long another begins. */
const MAX_REPLAY_PAUSE_MS = 50;

const PRUNE_MS = 60_000;

/**
 * Replays that are more than clients ask for: somebody who joins and leaves a channel again and again has its log read
 * and sent each time. What clients of one address are sent of the past is counted, and beyond their allowance each
 * further replay waits until the node has time to spare.
 */
export class ReplayAllowances {
  readonly #allowances = new BlocksToldApart(() => new Allowance(MAX_REPLAYED_CHARACTERS, MAX_REPLAYED_PER_SECOND, 0));
  readonly #turns = new SpareTurns(MAX_REPLAYS_BEGUN, MAX_REPLAY_PAUSE_MS);
  #prunedMs = 0;

  /** Undefined if a client of the address may have a replay at once; else it may when the promise resolves. */
  turn(ip: string, nowMs: number): Promise<void> | undefined {
    return this.#allowances.of(ip).hasAny(nowMs) ? undefined : this.#turns.take();
  }

  /** A client of the address is sent a replay. */
  sent(ip: string, characters: number, nowMs: number): void {
    if (characters <= LIKE_A_JOIN_CHARACTERS) return;
    if (nowMs - this.#prunedMs > PRUNE_MS) {
      this.#prunedMs = nowMs;
      this.#allowances.forget((allowance) => allowance.isWhole(nowMs));
    }
    this.#allowances.of(ip).spend(characters - LIKE_A_JOIN_CHARACTERS, nowMs);
  }
}
