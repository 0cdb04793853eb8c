import {
  type Begun,
  type IdempotentRequests,
  MAX_ATTEMPT_SECONDS,
  MAX_REMEMBERED_SECONDS,
  type RepeatableRequest,
  weightOf,
} from '../../../core/contracts/idempotency.ts';
import { topicOf } from '../../../core/contracts/topic.ts';
import { ABANDON_REQUEST, BEGIN_REQUEST, FINISH_REQUEST } from '../scripts/requests.ts';
import type { RedisStore } from '../wire/store.ts';
import { PARTS, partOf } from './parts.ts';

const STATES = ['new', 'under_way', 'other_request', 'full'] as const;

/** Requests that all nodes remember. */
export class RedisRequests implements IdempotentRequests {
  readonly #store: RedisStore;

  constructor(store: RedisStore) {
    this.#store = store;
  }

  async begin(request: RepeatableRequest): Promise<Begun> {
    const { app, key, asks, attempt } = request;
    const most = Math.ceil(app.limits.maxIdempotencyKeys / PARTS);
    const args = [key, attempt, asks, MAX_ATTEMPT_SECONDS * 1000, most] as const;
    const { state, body } = await this.#store.run(BEGIN_REQUEST, placeOf(request), args, this.#store.patience());
    if (state === 'done') return { state, body };
    const told = STATES.find((known) => known === state);
    if (told === undefined) throw new Error(`Redis told of a request in the state ${state}`);
    return { state: told };
  }

  async finish(request: RepeatableRequest, body: string): Promise<void> {
    const { key, asks, attempt } = request;
    const args = [key, attempt, asks, body, weightOf(body), MAX_REMEMBERED_SECONDS * 1000] as const;
    await this.#store.run(FINISH_REQUEST, placeOf(request), args, this.#store.patience());
  }

  async abandon(request: RepeatableRequest): Promise<void> {
    const { key, attempt } = request;
    await this.#store.run(ABANDON_REQUEST, placeOf(request), [key, attempt], this.#store.patience());
  }
}

/** No client can name such a channel, so the keys are nobody else's. */
function placeOf({ app, key }: RepeatableRequest): string {
  return topicOf(app.id, `#requests-${partOf(key)}`);
}
