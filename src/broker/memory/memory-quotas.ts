import type { App } from '../../core/contracts/app.ts';
import type { QuotaKind, Quotas } from '../../core/contracts/quotas.ts';

interface Usage {
  readonly sockets: Set<string>;
  readonly windows: Record<QuotaKind, Window>;
}

/** What was taken in one second of the clock. */
interface Window {
  second: number;
  taken: number;
}

/** Counts a single node's use. */
export class MemoryQuotas implements Quotas {
  readonly #usage = new Map<string, Usage>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async connect(app: App, socketId: string): Promise<boolean> {
    const { sockets } = this.#of(app);
    const { maxConnections } = app.limits;
    if (maxConnections > 0 && sockets.size >= maxConnections && !sockets.has(socketId)) return false;
    sockets.add(socketId);
    return true;
  }

  async disconnect(app: App, socketId: string): Promise<void> {
    this.#usage.get(app.id)?.sockets.delete(socketId);
  }

  async take(app: App, kind: QuotaKind, count: number): Promise<number> {
    const limit = kind === 'triggers' ? app.limits.triggersPerSecond : app.limits.readsPerSecond;
    if (limit === 0) return 0;
    const window = this.#of(app).windows[kind];
    const second = Math.floor(this.#now() / 1000);
    if (window.second !== second) {
      window.second = second;
      window.taken = 0;
    }
    // A batch larger than the limit could never pass; alone in its second it may.
    if (window.taken > 0 && window.taken + count > limit) return 1;
    window.taken += count;
    return 0;
  }

  #of(app: App): Usage {
    let usage = this.#usage.get(app.id);
    if (usage === undefined) {
      usage = {
        sockets: new Set(),
        windows: { triggers: { second: 0, taken: 0 }, reads: { second: 0, taken: 0 } },
      };
      this.#usage.set(app.id, usage);
    }
    return usage;
  }
}
