import type { Logger } from '../../core/contracts/logger.ts';
import { MAX_REVOCATIONS, type Revocations, type Revoked, revokedName } from '../../core/contracts/revocations.ts';

interface Kept {
  readonly atSeconds: number;
  readonly untilMs: number;
}

const SWEEP_INTERVAL_MS = 60_000;

/** Revocations of a single node: a restart forgets them. */
export class MemoryRevocations implements Revocations {
  readonly #apps = new Map<string, Map<string, Kept>>();
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #most: number;

  constructor(logger: Logger, now: () => number = Date.now, most = MAX_REVOCATIONS) {
    this.#logger = logger;
    this.#now = now;
    this.#most = most;
    setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
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

  #makeRoom(appId: string, kept: Map<string, Kept>): void {
    forgetEnded(kept, this.#now());
    if (kept.size <= this.#most) return;
    const [soonest] = [...kept].sort(([, one], [, other]) => one.untilMs - other.untilMs);
    if (soonest !== undefined) kept.delete(soonest[0]);
    this.#logger.warn({ appId, most: this.#most }, 'a revocation was forgotten before its token has ended');
  }

  #sweep(): void {
    for (const kept of this.#apps.values()) forgetEnded(kept, this.#now());
  }
}

function forgetEnded(kept: Map<string, Kept>, nowMs: number): void {
  for (const [name, { untilMs }] of kept) if (untilMs <= nowMs) kept.delete(name);
}
