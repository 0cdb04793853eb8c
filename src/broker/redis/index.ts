import type { Current } from '../../core/contracts/current.ts';
import type { Logger } from '../../core/contracts/logger.ts';
import { createMetrics, type Metrics } from '../../core/contracts/metrics.ts';
import { type WantsFact, wantsNothing } from '../../core/contracts/outbox.ts';
import type { Retention, SharedState } from '../../core/contracts/shared-state.ts';
import { NodeEntries } from './lease/node-entries.ts';
import { RedisChannelLog } from './log/redis-channel-log.ts';
import { RedisSessionStore } from './log/redis-session-store.ts';
import { RedisGivenUp } from './outbox/redis-given-up.ts';
import { RedisOutbox } from './outbox/redis-outbox.ts';
import { RedisQuotas } from './quotas/redis-quotas.ts';
import { RedisBroker } from './redis-broker.ts';
import { RedisRequests } from './requests/redis-requests.ts';
import { RedisRevocations } from './requests/redis-revocations.ts';
import { RedisUserStatuses } from './requests/redis-user-statuses.ts';
import { RedisRoster } from './roster/redis-roster.ts';
import type { RedisSettings } from './wire/settings.ts';
import { RedisStore } from './wire/store.ts';

export { DEFAULT_REDIS_SETTINGS, type RedisSettings } from './wire/settings.ts';

/**
 * Connects to Redis. Throws if the settings are wrong; a Redis that is away is waited for in the background, and
 * `broker.isReady()` says when it is there.
 */
export function redisState(
  settings: RedisSettings,
  retention: Current<Retention>,
  logger: Logger,
  wants: WantsFact = wantsNothing,
  metrics: Metrics = createMetrics(),
): SharedState {
  const store = new RedisStore(settings, logger);
  const node = new NodeEntries(store);
  const roster: RedisRoster = new RedisRoster(store, node, wants, (topic, frame) => broker.deliverHere(topic, frame));
  const log = new RedisChannelLog(store, () => retention().log);
  const broker = new RedisBroker(store, log, roster, node.lease, metrics);
  const quotas = new RedisQuotas(store, node);
  node.start();
  return {
    broker,
    roster,
    quotas,
    log,
    history: log,
    outbox: new RedisOutbox(store, wants),
    givenUp: new RedisGivenUp(store),
    requests: new RedisRequests(store),
    revocations: new RedisRevocations(store),
    statuses: new RedisUserStatuses(store),
    sessionStore: new RedisSessionStore(store, retention),
  };
}
