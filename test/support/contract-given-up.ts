import { pino } from 'pino';
import type { Test } from 'tap';
import { RedisGivenUp } from '../../src/broker/redis/outbox/redis-given-up.ts';
import { DEFAULT_REDIS_SETTINGS } from '../../src/broker/redis/wire/settings.ts';
import { RedisStore } from '../../src/broker/redis/wire/store.ts';
import type { GivenUpBounds, GivenUpStore } from '../../src/core/contracts/given-up.ts';
import { unique } from './names.ts';
import { until } from './wait.ts';

/** Two nodes' ends of what is kept in one Redis, with bounds of the test's own. */
export async function openGivenUp(
  t: Test,
  url: string,
): Promise<(bounds: GivenUpBounds) => readonly [GivenUpStore, GivenUpStore]> {
  const settings = { ...DEFAULT_REDIS_SETTINGS, url, keyPrefix: `${unique('test')}:` };
  const open = () => new RedisStore(settings, pino({ level: 'silent' }));
  const [here, there] = [open(), open()];
  t.teardown(() => Promise.all([here.close(), there.close()]));
  await until(() => here.isReady() && there.isReady(), 'both have reached Redis');
  return (bounds) => [new RedisGivenUp(here, bounds), new RedisGivenUp(there, bounds)];
}
