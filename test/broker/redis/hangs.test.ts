import t, { type Test } from 'tap';
import { type ContractCluster, redisCluster } from '../../support/contract-cluster.ts';
import { unique } from '../../support/names.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { app as testApp } from '../../support/unit-app.ts';
import { until } from '../../support/wait.ts';

const HANGS = 3;

t.setTimeout(120_000);

async function start(t: Test): Promise<{ redis: RedisServer; cluster: ContractCluster }> {
  const redis = await startRedis();
  const cluster = await redisCluster(redis.url, 2, { leaseSeconds: 1.5, acceptTimeoutSeconds: 0.4 });
  t.teardown(async () => {
    await cluster.close();
    await redis.stop();
  });
  return { redis, cluster };
}

/** Redis answers nothing while `act` runs, and then does again. */
async function hang({ redis, cluster }: { redis: RedisServer; cluster: ContractCluster }, act: () => Promise<void>) {
  redis.signal('SIGSTOP');
  try {
    await act();
  } finally {
    redis.signal('SIGCONT');
  }
  await until(() => cluster.nodes.every(({ broker }) => broker.isReady()), 'every node is ready again');
}

await t.test('who came and went while Redis hung takes no place of the connection quota', async (t) => {
  const deployment = await start(t);
  const [here, there] = deployment.cluster.nodes;
  if (here === undefined || there === undefined) throw new Error('nodes are missing');
  const app = testApp({ id: unique('app'), limits: { maxConnections: HANGS } });
  t.equal(await here.quotas.connect(app, '1.1'), true);
  for (let round = 0; round < HANGS; round += 1) {
    await hang(deployment, async () => {
      const socketId = `2.${round}`;
      t.equal(await here.quotas.connect(app, socketId), true, 'let in: this node counts alone');
      await here.quotas.disconnect(app, socketId);
      // It waited for an answer that has not come, and is gone before that does.
      const late = here.quotas.connect(app, `3.${round}`);
      await here.quotas.disconnect(app, `3.${round}`);
      t.equal(await late, true);
      await here.quotas.disconnect(app, `3.${round}`);
    });
  }
  for (let place = 1; place < HANGS; place += 1) {
    await until(() => there.quotas.connect(app, `4.${place}`), `place ${place + 1} is free`);
  }
  t.equal(await there.quotas.connect(app, '4.9'), false, 'and no place more than there are');
});

await t.test('who was refused while Redis hung takes no place of the connection quota', async (t) => {
  const deployment = await start(t);
  const [here, there] = deployment.cluster.nodes;
  if (here === undefined || there === undefined) throw new Error('nodes are missing');
  const app = testApp({ id: unique('app'), limits: { maxConnections: 2 } });
  t.equal(await here.quotas.connect(app, '1.1'), true);
  await hang(deployment, async () => {
    const outcomes = await Promise.all(['2.1', '2.2', '2.3'].map((socketId) => here.quotas.connect(app, socketId)));
    t.same(outcomes, [true, false, false]);
  });
  await here.quotas.disconnect(app, '1.1');
  await here.quotas.disconnect(app, '2.1');
  await until(() => there.quotas.connect(app, '3.1'), 'a place is free');
  await until(() => there.quotas.connect(app, '3.2'), 'the other place is free');
});

await t.test('what was given up while Redis hung is not there afterwards', async (t) => {
  const deployment = await start(t);
  const [here, there] = deployment.cluster.nodes;
  if (here === undefined || there === undefined) throw new Error('nodes are missing');
  const topics = [`app/${unique('c')}`, `app/${unique('presence-')}`];
  for (const topic of topics) await here.broker.subscribe(topic);
  const enter = (topic: string, socketId: string) => {
    const member = topic.includes('presence-') ? { userId: socketId, info: undefined } : undefined;
    return here.roster.enter({ topic, socketId, member }, () => t.fail('nobody is admitted'));
  };
  for (let round = 0; round < HANGS; round += 1) {
    await hang(deployment, async () => {
      const unavailable = { name: 'BrokerUnavailable' };
      const joins = topics.map((topic) => t.rejects(enter(topic, `1.${round}`), unavailable));
      await Promise.all([...joins, t.rejects(here.roster.signIn('app', `user${round}`, `1.${round}`), unavailable)]);
    });
  }
  await until(async () => {
    const counts = await there.roster.counts(topics);
    return counts.every(({ subscriptionCount, userCount }) => subscriptionCount + userCount === 0);
  }, 'nobody is in the channels');
  const users = Array.from({ length: HANGS }, (_, round) => `user${round}`);
  await until(async () => (await there.roster.online('app', users)).length === 0, 'nobody is online');
  t.equal((await there.roster.channels('app', '')).size, 0);
});
