import type { Broker } from '../../core/contracts/broker.ts';
import type { ChannelLog, LogBounds } from '../../core/contracts/channel-log.ts';
import type { Logger } from '../../core/contracts/logger.ts';
import type { Quotas } from '../../core/contracts/quotas.ts';
import type { Roster } from '../../core/contracts/roster.ts';
import type { SessionStore } from '../../core/contracts/session-store.ts';
import { RedisChannelLog } from './log/redis-channel-log.ts';
import { RedisSessionStore } from './log/redis-session-store.ts';
import { RedisQuotas } from './quotas/redis-quotas.ts';
import { RedisBroker } from './redis-broker.ts';
import { RedisRoster } from './roster/redis-roster.ts';
import type { RedisSettings } from './wire/settings.ts';
import { RedisStore } from './wire/store.ts';

export { DEFAULT_REDIS_SETTINGS, type RedisSettings } from './wire/settings.ts';

/** What replicas share. Close the roster first, then the broker. */
export interface RedisState {
  readonly broker: Broker;
  readonly roster: Roster;
  readonly quotas: Quotas;
  readonly log: ChannelLog;
  readonly sessionStore: SessionStore;
}

/** What is kept for clients that are away. */
export interface RedisRetention {
  readonly log: LogBounds;
  /** A session is kept for so long after it was last saved. */
  readonly sessionSeconds: number;
}

/**
 * Connects to Redis. Throws where the settings are wrong; a Redis that is away is waited for in the background, and
 * `broker.isReady()` says when it is there.
 */
export function connectRedis(settings: RedisSettings, retention: RedisRetention, logger: Logger): RedisState {
  const store = new RedisStore(settings, logger);
  const roster: RedisRoster = new RedisRoster(store, (topic, frame) => broker.deliverHere(topic, frame));
  const log = new RedisChannelLog(store, retention.log);
  const broker = new RedisBroker(store, log, roster, roster.lease);
  roster.start();
  return {
    broker,
    roster,
    quotas: new RedisQuotas(store, roster),
    log,
    sessionStore: new RedisSessionStore(store, retention.sessionSeconds),
  };
}
