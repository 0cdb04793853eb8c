import {
  type Begun,
  type IdempotentRequests,
  MAX_ATTEMPT_SECONDS,
  MAX_REMEMBERED_SECONDS,
  type RepeatableRequest,
  weightOf,
} from '../../core/contracts/idempotency.ts';
import type { Swept } from './memory-broker.ts';

interface Remembered {
  readonly asks: string;
  /** Undefined once it was carried out. */
  readonly attempt: string | undefined;
  readonly body: string;
  readonly weight: number;
  readonly untilMs: number;
}

/** The requests of one app, by key. */
interface Requests {
  readonly byKey: Map<string, Remembered>;
  weight: number;
}

/** Requests that a single node remembers. */
export class MemoryRequests implements IdempotentRequests, Swept {
  readonly #apps = new Map<string, Requests>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async begin({ app, key, asks, attempt }: RepeatableRequest): Promise<Begun> {
    const requests = this.#of(app.id);
    const known = requests.byKey.get(key);
    if (known !== undefined && known.untilMs > this.#now()) {
      if (known.asks !== asks) return { state: 'other_request' };
      if (known.attempt === undefined) return { state: 'done', body: known.body };
      return { state: known.attempt === attempt ? 'new' : 'under_way' };
    }
    forget(requests, key);
    const { maxIdempotencyKeys } = app.limits;
    if (requests.weight >= maxIdempotencyKeys) this.#forgetEnded(requests);
    if (requests.weight >= maxIdempotencyKeys) return { state: 'full' };
    const untilMs = this.#now() + MAX_ATTEMPT_SECONDS * 1000;
    keep(requests, key, { asks, attempt, body: '', weight: 1, untilMs });
    return { state: 'new' };
  }

  async finish({ app, key, asks, attempt }: RepeatableRequest, body: string): Promise<void> {
    const requests = this.#of(app.id);
    if (requests.byKey.get(key)?.attempt !== attempt) return;
    forget(requests, key);
    const untilMs = this.#now() + MAX_REMEMBERED_SECONDS * 1000;
    keep(requests, key, { asks, attempt: undefined, body, weight: weightOf(body), untilMs });
  }

  async abandon({ app, key, attempt }: RepeatableRequest): Promise<void> {
    const requests = this.#of(app.id);
    if (requests.byKey.get(key)?.attempt === attempt) forget(requests, key);
  }

  removeExpired(): void {
    for (const requests of this.#apps.values()) this.#forgetEnded(requests);
  }

  #of(appId: string): Requests {
    let requests = this.#apps.get(appId);
    if (requests === undefined) {
      requests = { byKey: new Map(), weight: 0 };
      this.#apps.set(appId, requests);
    }
    return requests;
  }

  #forgetEnded(requests: Requests): void {
    const now = this.#now();
    for (const [key, { untilMs }] of requests.byKey) if (untilMs <= now) forget(requests, key);
  }
}

function keep(requests: Requests, key: string, remembered: Remembered): void {
  requests.byKey.set(key, remembered);
  requests.weight += remembered.weight;
}

function forget(requests: Requests, key: string): void {
  requests.weight -= requests.byKey.get(key)?.weight ?? 0;
  requests.byKey.delete(key);
}
