import type { Current } from '../../core/contracts/current.ts';
import type { Logger } from '../../core/contracts/logger.ts';
import { createMetrics, type Metrics } from '../../core/contracts/metrics.ts';
import { type WantsFact, wantsNothing } from '../../core/contracts/outbox.ts';
import type { Retention, SharedState } from '../../core/contracts/shared-state.ts';
import { MemoryBroker } from './memory-broker.ts';
import { MemoryGivenUp } from './memory-given-up.ts';
import { MemoryOutbox } from './memory-outbox.ts';
import { MemoryQuotas } from './memory-quotas.ts';
import { MemoryRequests } from './memory-requests.ts';
import { MemoryRevocations } from './memory-revocations.ts';
import { MemoryRoster } from './memory-roster.ts';
import { MemorySessionStore } from './memory-session-store.ts';
import { MemoryUserStatuses } from './memory-user-statuses.ts';

/** The state of a single node, and the embedded default: nothing outlives the process. */
export function memoryState(
  retention: Current<Retention>,
  logger: Logger,
  wants: WantsFact = wantsNothing,
  metrics: Metrics = createMetrics(),
): SharedState {
  const requests = new MemoryRequests();
  const revocations = new MemoryRevocations(logger);
  const sessionStore = new MemorySessionStore(retention, { metrics });
  const givenUp = new MemoryGivenUp();
  const besides = [requests, revocations, sessionStore, givenUp];
  const broker = new MemoryBroker(() => retention().log, { metrics, besides });
  const outbox = new MemoryOutbox(wants, logger, { metrics });
  return {
    broker,
    roster: new MemoryRoster(broker, outbox),
    quotas: new MemoryQuotas(),
    log: broker,
    history: broker,
    outbox,
    givenUp,
    requests,
    revocations,
    statuses: new MemoryUserStatuses(),
    sessionStore,
  };
}
