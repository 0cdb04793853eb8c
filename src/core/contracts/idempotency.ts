import type { App } from './app.ts';

/** A request that its sender may repeat. */
export interface RepeatableRequest {
  readonly app: App;
  /** A digest of the sender's key. */
  readonly key: string;
  /** A digest of what is asked for: a key is for one request. */
  readonly asks: string;
  /** Drawn anew for each time that the request comes. */
  readonly attempt: string;
}

/**
 * - `new`: carry it out, and then call `finish` or `abandon`.
 * - `under_way`: another attempt is being carried out.
 * - `done`: it was carried out, with this answer.
 * - `other_request`: the key was used for something else.
 * - `full`: the app has as many keys as may be remembered.
 */
export type Begun =
  | { readonly state: 'new' | 'under_way' | 'other_request' | 'full' }
  | { readonly state: 'done'; readonly body: string };

/** For how long, after it was carried out, a request is remembered. */
export const MAX_REMEMBERED_SECONDS = 120;

/** An attempt that has not ended by then has died with its node: the next one carries the request out. */
export const MAX_ATTEMPT_SECONDS = 15;

/** An answer counts as one key for each such part of it, so that the bound of keys bounds bytes as well. */
const BYTES_PER_KEY = 512;

/**
 * Remembers requests that carry an idempotency key, over all nodes: of those with the same key, one is carried out. At
 * most `limits.maxIdempotencyKeys` of an app are remembered at once, give or take a few in a hundred. Calls reject with
 * BrokerUnavailable.
 */
export interface IdempotentRequests {
  begin(request: RepeatableRequest): Promise<Begun>;
  /** It was carried out, with this answer. */
  finish(request: RepeatableRequest, body: string): Promise<void>;
  /** It was not: the next attempt is a new request. */
  abandon(request: RepeatableRequest): Promise<void>;
}

/** For how many keys an answer counts. */
export function weightOf(body: string): number {
  return 1 + Math.floor(Buffer.byteLength(body) / BYTES_PER_KEY);
}
