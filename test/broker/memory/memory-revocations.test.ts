import t from 'tap';
import { MemoryRevocations } from '../../../src/broker/memory/memory-revocations.ts';
import { RedisRevocations } from '../../../src/broker/redis/requests/redis-revocations.ts';
import { DEFAULT_REDIS_SETTINGS } from '../../../src/broker/redis/wire/settings.ts';
import { RedisStore } from '../../../src/broker/redis/wire/store.ts';
import { recordingLogger } from '../../support/fakes.ts';
import { startRedis } from '../../support/redis-server.ts';
import { until } from '../../support/wait.ts';

const later = Date.now() + 60_000;

t.test('a store that is full forgets what would end the soonest, and says so', async (t) => {
  const { logger, lines } = recordingLogger();
  const store = new MemoryRevocations(logger, Date.now, 2);
  await store.revoke('app', { tokenId: 'a' }, later + 2);
  await store.revoke('app', { tokenId: 'b' }, later + 1);
  await store.revoke('app', { tokenId: 'c' }, later + 3);
  t.equal(await store.revokedAt('app', { tokenId: 'b' }), undefined);
  t.type(await store.revokedAt('app', { tokenId: 'a' }), 'number');
  t.type(await store.revokedAt('app', { tokenId: 'c' }), 'number');
  t.match(lines, [{ message: /forgotten before its token has ended/ }]);
});

t.test('likewise in Redis', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const { logger, lines } = recordingLogger();
  const store = new RedisStore({ ...DEFAULT_REDIS_SETTINGS, url: redis.url }, logger);
  t.teardown(() => store.close());
  await until(() => store.isReady(), 'Redis is reached');
  const revocations = new RedisRevocations(store, 16);
  const ids = Array.from({ length: 100 }, (_, index) => `token ${index}`);
  for (const [index, tokenId] of ids.entries()) await revocations.revoke('app', { tokenId }, later + index);
  const kept = await Promise.all(ids.map((tokenId) => revocations.revokedAt('app', { tokenId })));
  t.ok(kept.filter((at) => at !== undefined).length <= 16);
  t.type(kept.at(-1), 'number');
  t.ok(lines.some(({ message }) => message === 'a revocation was forgotten before its token has ended'));
});
