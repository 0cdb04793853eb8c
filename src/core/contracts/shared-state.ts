import type { Broker } from './broker.ts';
import type { ChannelHistory, ChannelLog, LogBounds } from './channel-log.ts';
import type { GivenUpStore } from './given-up.ts';
import type { IdempotentRequests } from './idempotency.ts';
import type { Outbox } from './outbox.ts';
import type { Quotas } from './quotas.ts';
import type { Revocations } from './revocations.ts';
import type { Roster } from './roster.ts';
import type { SessionBounds, SessionStore } from './session-store.ts';
import type { UserStatuses } from './user-status.ts';

/** What all nodes share; on a single node, its memory. Close the roster first, then the broker. */
export interface SharedState {
  readonly broker: Broker;
  readonly roster: Roster;
  readonly quotas: Quotas;
  readonly log: ChannelLog;
  readonly history: ChannelHistory;
  readonly sessionStore: SessionStore;
  readonly outbox: Outbox;
  readonly givenUp: GivenUpStore;
  readonly requests: IdempotentRequests;
  readonly revocations: Revocations;
  readonly statuses: UserStatuses;
}

/** How long, and how much of, the sessions of clients that are away are kept. */
export interface SessionRetention {
  /** A session is kept for so long after it was last saved. */
  readonly sessionSeconds: number;
  readonly session: SessionBounds;
}

/** What is kept for clients that are away. */
export interface Retention extends SessionRetention {
  readonly log: LogBounds;
}
