import {
  GIVEN_UP_BOUNDS,
  type GivenUpBatch,
  type GivenUpBounds,
  type GivenUpNote,
  type GivenUpStore,
} from '../../core/contracts/given-up.ts';
import type { Swept } from './memory-broker.ts';

interface Kept {
  readonly batch: GivenUpBatch;
  readonly keptMs: number;
  readonly bytes: number;
}

/** What a batch, and each fact of it, takes beside its texts. */
const OVERHEAD_BYTES = 200;

/** What a single node has given up; a restart forgets it. */
export class MemoryGivenUp implements GivenUpStore, Swept {
  /** By app, the oldest first. */
  readonly #apps = new Map<string, Map<string, Kept>>();
  readonly #bounds: GivenUpBounds;

  constructor(bounds: GivenUpBounds = GIVEN_UP_BOUNDS) {
    this.#bounds = bounds;
  }

  /** Batches that are kept, of all apps. */
  get size(): number {
    let size = 0;
    for (const kept of this.#apps.values()) size += kept.size;
    return size;
  }

  async keep(appId: string, batch: GivenUpBatch): Promise<number> {
    const kept = this.#current(appId);
    kept.delete(batch.id);
    this.#apps.set(appId, kept);
    const ownBytes = bytesOf(batch);
    if (ownBytes > this.#bounds.maxBytes) return 1;
    kept.set(batch.id, { batch, keptMs: Date.now(), bytes: ownBytes });
    let bytes = 0;
    for (const one of kept.values()) bytes += one.bytes;
    let forgotten = 0;
    for (const [id, oldest] of kept) {
      if (kept.size <= this.#bounds.maxBatches && bytes <= this.#bounds.maxBytes) break;
      kept.delete(id);
      bytes -= oldest.bytes;
      forgotten += 1;
    }
    return forgotten;
  }

  async list(appId: string): Promise<readonly GivenUpNote[]> {
    return Array.from(this.#current(appId).values(), ({ batch: { id, atMs, url, reason, events } }) => ({
      ...{ id, atMs, url, reason, events },
    }));
  }

  async read(appId: string, id: string): Promise<GivenUpBatch | undefined> {
    return this.#current(appId).get(id)?.batch;
  }

  async remove(appId: string, id: string): Promise<void> {
    this.#apps.get(appId)?.delete(id);
  }

  /** Of apps that have gone too, whose webhooks nobody lists. */
  removeExpired(): void {
    for (const appId of this.#apps.keys()) if (this.#current(appId).size === 0) this.#apps.delete(appId);
  }

  /** Without what is too old. */
  #current(appId: string): Map<string, Kept> {
    const kept = this.#apps.get(appId) ?? new Map<string, Kept>();
    const oldestMs = Date.now() - this.#bounds.maxAgeSeconds * 1000;
    for (const [id, { keptMs }] of kept) {
      if (keptMs > oldestMs) break;
      kept.delete(id);
    }
    return kept;
  }
}

/** What a batch takes, about: writing it as JSON to know would cost more than to keep it. */
function bytesOf({ url, reason, facts }: GivenUpBatch): number {
  let bytes = OVERHEAD_BYTES + url.length + reason.length;
  for (const { channel = '', userId = '', detail = '' } of facts) {
    bytes += OVERHEAD_BYTES + channel.length + userId.length + Buffer.byteLength(detail);
  }
  return bytes;
}
