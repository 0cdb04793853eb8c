import type { Logger } from '../../core/contracts/logger.ts';
import { MAX_REVOCATIONS, type Revocations, type Revoked, revokedName } from '../../core/contracts/revocations.ts';
import type { Swept } from './memory-broker.ts';

interface Kept {
  readonly atSeconds: number;
  readonly untilMs: number;
}

/** Revocations of a single node: a restart forgets them. */
export class MemoryRevocations implements Revocations, Swept {
  readonly #apps = new Map<string, Map<string, Kept>>();
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #most: number;

  constructor(logger: Logger, now: () => number = Date.now, most = MAX_REVOCATIONS) {
    this.#logger = logger;
    this.#now = now;
    this.#most = most;
  }

  async revoke(appId: string, revoked: Revoked, untilMs: number): Promise<void> {
    const kept = this.#apps.get(appId) ?? new Map<string, Kept>();
    this.#apps.set(appId, kept);
    const name = revokedName(revoked);
    const before = kept.get(name)?.untilMs ?? 0;
    kept.set(name, { atSeconds: Math.floor(this.#now() / 1000), untilMs: Math.max(untilMs, before) });
    if (kept.size > this.#most) this.#makeRoom(appId, kept);
  }

  async revokedAt(appId: string, revoked: Revoked): Promise<number | undefined> {
    const kept = this.#apps.get(appId)?.get(revokedName(revoked));
    return kept !== undefined && kept.untilMs > this.#now() ? kept.atSeconds : undefined;
  }

  removeExpired(): void {
    for (const kept of this.#apps.values()) forgetEnded(kept, this.#now());
  }

  #makeRoom(appId: string, kept: Map<string, Kept>): void {
    forgetEnded(kept, this.#now());
    if (kept.size <= this.#most) return;
    let soonest: string | undefined;
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const [name, { untilMs }] of kept) {
      if (untilMs >= soonestMs) continue;
      soonest = name;
      soonestMs = untilMs;
    }
    if (soonest !== undefined) kept.delete(soonest);
    this.#logger.warn({ appId, most: this.#most }, 'a revocation was forgotten before its token has ended');
  }
}

function forgetEnded(kept: Map<string, Kept>, nowMs: number): void {
  for (const [name, { untilMs }] of kept) if (untilMs <= nowMs) kept.delete(name);
}
