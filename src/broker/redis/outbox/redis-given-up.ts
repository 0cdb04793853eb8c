import {
  GIVEN_UP_BOUNDS,
  type GivenUpBatch,
  type GivenUpBounds,
  type GivenUpNote,
  type GivenUpStore,
} from '../../../core/contracts/given-up.ts';
import { topicOf } from '../../../core/contracts/topic.ts';
import { parseJson } from '../../../protocol/frames.ts';
import { KEEP_GIVEN_UP, LIST_GIVEN_UP, READ_GIVEN_UP, REMOVE_GIVEN_UP } from '../scripts/given-up.ts';
import type { RedisStore } from '../wire/store.ts';

/** What any node has given up, for all to list and send again. */
export class RedisGivenUp implements GivenUpStore {
  readonly #store: RedisStore;
  readonly #bounds: GivenUpBounds;
  readonly #keepMs: number;

  constructor(store: RedisStore, bounds: GivenUpBounds = GIVEN_UP_BOUNDS) {
    this.#store = store;
    this.#bounds = bounds;
    this.#keepMs = bounds.maxAgeSeconds * 1000;
  }

  async keep(appId: string, batch: GivenUpBatch): Promise<number> {
    const { id, atMs, url, reason, events } = batch;
    const note: GivenUpNote = { id, atMs, url, reason, events };
    const { maxBatches, maxBytes } = this.#bounds;
    const args = [id, JSON.stringify(note), JSON.stringify(batch), maxBatches, maxBytes, this.#keepMs] as const;
    return await this.#store.run(KEEP_GIVEN_UP, placeOf(appId), args, this.#store.patience());
  }

  async list(appId: string): Promise<readonly GivenUpNote[]> {
    const notes = await this.#store.run(LIST_GIVEN_UP, placeOf(appId), [this.#keepMs], this.#store.patience());
    return notes.map((note) => parseJson(note) as GivenUpNote);
  }

  async read(appId: string, id: string): Promise<GivenUpBatch | undefined> {
    const args = [id, this.#keepMs] as const;
    const batch = await this.#store.run(READ_GIVEN_UP, placeOf(appId), args, this.#store.patience());
    return batch === undefined ? undefined : (parseJson(batch) as GivenUpBatch);
  }

  async remove(appId: string, id: string): Promise<void> {
    await this.#store.run(REMOVE_GIVEN_UP, placeOf(appId), [id], this.#store.patience());
  }
}

/** No client can name such a channel, so the keys are nobody else's. */
function placeOf(appId: string): string {
  return topicOf(appId, '#given-up');
}
