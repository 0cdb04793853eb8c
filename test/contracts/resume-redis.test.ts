import { pino } from 'pino';
import t, { type Test } from 'tap';
import { DEFAULT_REDIS_SETTINGS, redisState } from '../../src/broker/redis/index.ts';
import type { LogBounds } from '../../src/core/contracts/channel-log.ts';
import { unique } from '../support/names.ts';
import { startRedis } from '../support/redis-server.ts';
import { SESSION_BOUNDS } from '../support/session-bounds.ts';
import { until } from '../support/wait.ts';
import { channelLogContract } from './channel-log-contract.ts';
import { sessionStoreContract } from './session-store-contract.ts';

const redis = await startRedis();
t.teardown(() => redis.stop());
const BOUNDS: LogBounds = { maxEvents: 10, maxBytes: 1000, maxAgeSeconds: 10 };

/** Two nodes with keys of their own in Redis. */
async function nodes(log: LogBounds, sessionSeconds = 60, session = SESSION_BOUNDS) {
  const settings = { ...DEFAULT_REDIS_SETTINGS, url: redis.url, keyPrefix: `${unique('test')}:` };
  const made = [0, 1].map(() =>
    redisState(settings, () => ({ log, sessionSeconds, session }), pino({ level: 'silent' })),
  );
  await until(() => made.every(({ broker }) => broker.isReady()), 'the nodes have reached Redis');
  return made.map((node) => ({
    ...node,
    close: async () => {
      await node.roster.close();
      await node.broker.close();
    },
  }));
}

await t.test('the Redis log', (t) => channelLogContract(t, (bounds) => nodes(bounds)));

await t.test('the Redis session store', (t) =>
  sessionStoreContract(t, async (t: Test, retentionSeconds, bounds) => {
    const [here, there] = await nodes(BOUNDS, retentionSeconds, bounds);
    if (here === undefined || there === undefined) throw new Error('two nodes were started');
    t.teardown(() => Promise.all([here.close(), there.close()]));
    return [here.sessionStore, there.sessionStore];
  }),
);
