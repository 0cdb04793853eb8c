import type { App } from './app.ts';
import type { Fact } from './outbox.ts';

/** What of one app's webhooks is kept: whatever bound is met first. Beyond it the oldest are forgotten. */
const MAX_GIVEN_UP = 1000;
const MAX_GIVEN_UP_BYTES = 4 * 1024 * 1024;
/** A week: somebody is back from a long weekend. */
const MAX_GIVEN_UP_SECONDS = 604_800;

export interface GivenUpBounds {
  readonly maxBatches: number;
  readonly maxBytes: number;
  readonly maxAgeSeconds: number;
}

export const GIVEN_UP_BOUNDS: GivenUpBounds = Object.freeze({
  maxBatches: MAX_GIVEN_UP,
  maxBytes: MAX_GIVEN_UP_BYTES,
  maxAgeSeconds: MAX_GIVEN_UP_SECONDS,
});

/** A batch that an endpoint did not take in time, as operators are told of it. Never a secret. */
export interface GivenUpNote {
  /** The same if the same events are given up again for the same endpoint. */
  readonly id: string;
  /** When it was given up, milliseconds since 1970. */
  readonly atMs: number;
  /** Without its query, in which there may be a token. */
  readonly url: string;
  /** What was wrong at the last attempt. */
  readonly reason: string;
  readonly events: readonly Pick<Fact, 'id' | 'kind' | 'channel' | 'userId'>[];
}

/** The same with what is needed to send it. */
export interface GivenUpBatch extends GivenUpNote {
  /** An HMAC of the whole URL by the app's secret; empty if the app had gone. */
  readonly endpoint: string;
  /** The time of the batch, the same in each attempt. */
  readonly timeMs: number;
  readonly facts: readonly Fact[];
}

/** Keeps what was given up, over all nodes if they share anything. Calls reject with BrokerUnavailable. */
export interface GivenUpStore {
  /**
   * Keeps a batch in place of one with its id. Gives how many others were forgotten to make room. One that is too large
   * by itself makes none go: it is the one that is forgotten.
   */
  keep(appId: string, batch: GivenUpBatch): Promise<number>;
  /** The oldest first. */
  list(appId: string): Promise<readonly GivenUpNote[]>;
  read(appId: string, id: string): Promise<GivenUpBatch | undefined>;
  remove(appId: string, id: string): Promise<void>;
}

/** `unknown`: nothing with this id is kept. A batch that was not sent is kept on. */
export type Resent = { readonly outcome: 'sent' | 'unknown' } | { readonly outcome: 'failed'; readonly reason: string };

/** What operators can do about webhooks that were given up. */
export interface GivenUpWebhooks {
  list(app: App): Promise<readonly GivenUpNote[]>;
  /** Tries once, with the ids that the events have had all along. */
  resend(app: App, id: string): Promise<Resent>;
}
