import t from 'tap';
import { closeNode, redisNode } from '../../support/contract-cluster.ts';
import { NodeProcess } from '../../support/redis/node-process.ts';
import { startRedis } from '../../support/redis-server.ts';
import { until } from '../../support/wait.ts';

const LEASE_SECONDS = 1;
const CHANNELS = 2000;

t.setTimeout(120_000);

await t.test('of a killed node nothing stays, though its channels came and went until the last moment', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const settings = { url: redis.url, keyPrefix: 'killed:', leaseSeconds: LEASE_SECONDS };
  const survivor = await redisNode(settings);
  t.teardown(() => closeNode(survivor));
  const forMs = 4 * LEASE_SECONDS * 1000;
  const victim = await NodeProcess.start(
    'holding-node.ts',
    redis.url,
    settings.keyPrefix,
    CHANNELS,
    forMs,
    LEASE_SECONDS,
  );
  t.teardown(() => victim.kill());
  t.equal((await survivor.roster.channels('app', '')).size, CHANNELS, 'all are entered');
  await victim.kill();
  let left = new Map<string, unknown>();
  await until(
    async () => {
      left = await survivor.roster.channels('app', '');
      return left.size === 0;
    },
    'nothing is listed',
    4 * LEASE_SECONDS * 1000,
  ).catch((error: unknown) => {
    t.comment(`${left.size} of ${CHANNELS} are still listed, such as ${[...left.keys()].slice(0, 3).join()}`);
    throw error;
  });
  const keys = async () =>
    (await redis.command('KEYS', '*')).split('\n').filter((key) => !key.endsWith('leases:nodes'));
  await until(async () => (await keys()).join() === '', 'nothing is in Redis but the lease of who is left');
});
