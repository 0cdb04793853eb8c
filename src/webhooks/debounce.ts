import type { Current } from '../core/contracts/current.ts';
import type { FactKind } from '../core/contracts/outbox.ts';
import type { Telling } from './telling.ts';

export interface DebounceOutlet {
  /** To be told now. */
  pass(telling: Telling): void;
  /** Never to be told. */
  drop(telling: Telling): void;
}

interface Going {
  readonly telling: Telling;
  /** By `performance.now()`. */
  readonly dueMs: number;
}

const GOINGS: ReadonlySet<FactKind> = new Set(['channel_vacated', 'member_removed', 'user_offline']);
const COMINGS: ReadonlySet<FactKind> = new Set(['channel_occupied', 'member_added', 'user_online']);

/**
 * Keeps back that a channel was vacated, or a member removed, for a moment: if the channel is occupied again by then,
 * or the member back, neither the going nor the coming is told. (Channels docs: webhooks)
 */
export class Debounce {
  readonly #graceSeconds: Current<number>;
  readonly #outlet: DebounceOutlet;
  readonly #goings = new Map<string, Going>();

  constructor(graceSeconds: Current<number>, outlet: DebounceOutlet) {
    this.#graceSeconds = graceSeconds;
    this.#outlet = outlet;
  }

  get #graceMs(): number {
    return this.#graceSeconds() * 1000;
  }

  take(telling: Telling): void {
    const { kind, atMs } = telling.fact;
    const key = keyOf(telling);
    if (COMINGS.has(kind)) {
      const going = this.#goings.get(key);
      if (going === undefined) {
        this.#outlet.pass(telling);
        return;
      }
      this.#goings.delete(key);
      this.#outlet.drop(going.telling);
      this.#outlet.drop(telling);
    } else if (GOINGS.has(kind)) {
      const earlier = this.#goings.get(key);
      if (earlier !== undefined) this.#outlet.pass(earlier.telling);
      // Clocks of nodes may differ: no longer than the grace, whatever they say.
      const delayMs = Math.min(this.#graceMs, Math.max(0, this.#graceMs - (Date.now() - atMs)));
      this.#goings.set(key, { telling, dueMs: performance.now() + delayMs });
    } else {
      this.#outlet.pass(telling);
    }
  }

  /**
   * Passes what was due at a moment, after all that had happened until then has been taken. If that is not sure, what
   * has been due for a while longer is passed all the same.
   */
  release(asOfMs: number, sure: boolean): void {
    const dueMs = sure ? asOfMs : asOfMs - this.#graceMs;
    for (const [key, going] of this.#goings) {
      if (going.dueMs > dueMs) continue;
      this.#goings.delete(key);
      this.#outlet.pass(going.telling);
    }
  }

  /** Passes some that are not due yet, those first that have been kept back the longest. Gives how many. */
  releaseEarly(most: number): number {
    let released = 0;
    for (const [key, going] of this.#goings) {
      if (released === most) break;
      released += 1;
      this.#goings.delete(key);
      this.#outlet.pass(going.telling);
    }
    return released;
  }
}

/** Names a channel, or a member of it. Neither app ids nor channels hold a slash. */
function keyOf({ fact: { appId, channel = '', userId } }: Telling): string {
  return userId === undefined ? `${appId}/${channel}` : `${appId}/${channel}/${userId}`;
}
