import type { App, AppRegistry } from '../core/contracts/app.ts';
import type { Broker } from '../core/contracts/broker.ts';
import type { ChannelHistory } from '../core/contracts/channel-log.ts';
import type { GivenUpWebhooks } from '../core/contracts/given-up.ts';
import type { HttpResponse } from '../core/contracts/http.ts';
import type { IdempotentRequests } from '../core/contracts/idempotency.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import type { QuotaKind, Quotas } from '../core/contracts/quotas.ts';
import type { Roster } from '../core/contracts/roster.ts';
import type { UserStatuses } from '../core/contracts/user-status.ts';
import type { Publisher } from '../core/delivery/publisher.ts';
import type { QueryPair } from './query.ts';
import { Refusal, retryAfter, wholeSeconds } from './responses.ts';

export interface ApiDeps {
  readonly apps: AppRegistry;
  readonly publisher: Publisher;
  readonly roster: Roster;
  readonly broker: Broker;
  readonly quotas: Quotas;
  readonly history: ChannelHistory;
  readonly requests: IdempotentRequests;
  readonly statuses: UserStatuses;
  readonly givenUp: GivenUpWebhooks;
  /** Closes every connection of a signed-in user, on all nodes. */
  readonly terminate: (app: App, userId: string) => Promise<void>;
  /** Refuses tokens from now on, and asks who was authorized with them to authorize anew. */
  readonly revokeToken: (app: App, tokenId: string, expiresAt: number | undefined) => Promise<void>;
  readonly revokeUser: (app: App, userId: string) => Promise<void>;
  /** Takes a user's connections out of channels, on all nodes. */
  readonly unsubscribe: (app: App, userId: string, channels: readonly string[]) => Promise<void>;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** A request whose signature holds, for an app that is enabled. */
export interface ApiCall {
  readonly deps: ApiDeps;
  readonly app: App;
  /** What the path names, decoded: a channel or a user id; empty if it names neither. */
  readonly name: string;
  readonly query: readonly QueryPair[];
  readonly body: Buffer;
}

/** Answers a call; throws a Refusal, or BrokerUnavailable. */
export type Resource = (call: ApiCall) => Promise<HttpResponse>;

const QUOTAS: Readonly<Record<QuotaKind, string>> = { triggers: 'events', reads: 'reads' };

/** Takes from this second's allowance of the app, or refuses with 429. */
export async function takeQuota(call: ApiCall, kind: QuotaKind, count: number): Promise<void> {
  const seconds = await call.deps.quotas.take(call.app, kind, count);
  if (seconds === 0) return;
  call.deps.metrics.refused.add(`${kind}-per-second`);
  const wait = wholeSeconds(seconds);
  const { triggersPerSecond, readsPerSecond } = call.app.limits;
  const limit = kind === 'triggers' ? triggersPerSecond : readsPerSecond;
  throw new Refusal(
    429,
    `Over the limit of ${limit} ${QUOTAS[kind]} a second for this app: try again in ${wait} s`,
    retryAfter(wait),
  );
}
