import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { ContractCluster } from '../../support/contract-cluster.ts';
import { redisCluster } from '../../support/contract-cluster.ts';
import { unique } from '../../support/names.ts';
import { Churn } from '../../support/redis/churn.ts';
import { Load } from '../../support/redis/load.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';
import { RosterClient } from '../../support/roster-client.ts';
import { until } from '../../support/wait.ts';

const LEASE_SECONDS = 1.5;
const ACCEPT_SECONDS = 0.5;

async function start(t: Test): Promise<{ redis: RedisServer; cluster: ContractCluster }> {
  const redis = await startRedis();
  const cluster = await redisCluster(redis.url, 3, {
    leaseSeconds: LEASE_SECONDS,
    acceptTimeoutSeconds: ACCEPT_SECONDS,
  });
  t.teardown(async () => {
    await cluster.close();
    await redis.stop();
  });
  return { redis, cluster };
}

function sortedUnion(lists: readonly string[][]): string[] {
  return [...new Set(lists.flat())].sort();
}

t.setTimeout(120_000);

await t.test('Redis is stopped for 5 s under load, and comes back empty', async (t) => {
  const { redis, cluster } = await start(t);
  const { nodes } = cluster;
  const load = new Load(nodes, `app/${unique('t')}`);
  const topic = `app/${unique('presence-')}`;
  const churns = nodes.map((node, index) => new Churn(node, topic, String(index + 1), 20));
  const steady = nodes.map((node, index) => new RosterClient(node, topic, `${index}.999`, `steady${index}`));
  await Promise.all(steady.map((client) => client.join()));
  await load.start(10);
  for (const churn of churns) churn.start();
  await pause(700);

  const stoppedAt = performance.now();
  await redis.kill();
  await until(() => nodes.every(({ broker }) => !broker.isReady()), 'no node is ready');
  await pause(5000 - (performance.now() - stoppedAt));
  t.equal(
    nodes.some(({ broker }) => broker.isReady()),
    false,
  );
  const returnedAt = performance.now();
  await redis.start();
  await until(() => nodes.every(({ broker }) => broker.isReady()), 'every node is ready again');
  const readyAt = performance.now();
  t.ok(readyAt - returnedAt < 2500, `after ${Math.round(readyAt - returnedAt)} ms`);
  t.same(
    nodes.map(({ restored }) => restored),
    [1, 1, 1],
  );
  await pause(500);
  await load.stop();
  await Promise.all(churns.map((churn) => churn.settle()));

  const slowest = Math.max(...load.published.map(({ tookMs }) => tookMs));
  t.ok(
    slowest < ACCEPT_SECONDS * 1000 + 1000,
    `every publish was answered, the slowest after ${Math.round(slowest)} ms`,
  );
  t.ok(load.refused().length > 100, `${load.refused().length} messages were refused`);
  t.ok(
    load.refused().every(({ sentMs, tookMs }) => sentMs + tookMs > stoppedAt && sentMs < readyAt),
    'all of them while Redis was away',
  );
  for (const node of nodes) {
    t.notOk(
      [...load.arrivals(node).values()].some((times) => times > 1),
      'nothing arrived twice',
    );
    const missing = load.missing(node);
    // What Redis had accepted, and not yet sent on, went with it.
    t.ok(
      missing.every(({ sentMs, tookMs }) => sentMs + tookMs > stoppedAt - 100 && sentMs < stoppedAt + 100),
      `${missing.length} of ${load.accepted().length} missed, all in the moment in which Redis went`,
    );
  }
  const truth = sortedUnion([...churns.map((churn) => churn.present()), steady.map(({ member }) => member.userId)]);
  const clients = [...churns.flatMap((churn) => churn.clients), ...steady].filter(({ joined }) => joined);
  await until(
    () => clients.every((client) => client.sorted().join() === truth.join()),
    'every list is the truth',
    5000,
  ).catch((error: unknown) => {
    const wrong = clients.find((client) => client.sorted().join() !== truth.join());
    t.comment(`${wrong?.socketId} has ${wrong?.sorted().join()} of ${truth.join()}`);
    throw error;
  });
  t.same((await nodes[0]?.roster.userIds(topic))?.sort(), truth);
  t.same(
    [...churns.flatMap((churn) => churn.clients), ...steady].flatMap((client) => client.complaints),
    [],
    'and nobody was told anything twice',
  );
  for (const { removals } of steady) {
    t.notOk(
      removals.some((userId) => userId.startsWith('steady')),
      'nor that somebody has gone who stayed',
    );
  }
});

await t.test('Redis hangs: calls are answered in time, and nothing is lost that it had', async (t) => {
  const { redis, cluster } = await start(t);
  const { nodes } = cluster;
  const [first, second] = nodes;
  if (first === undefined || second === undefined) throw new Error('nodes are missing');
  const topic = `app/${unique('presence-')}`;
  const clients = nodes.map((node, index) => new RosterClient(node, topic, `5.${index}`, `user${index}`));
  await Promise.all(clients.map((client) => client.join()));
  redis.signal('SIGSTOP');
  const before = performance.now();
  await t.rejects(nodes[0]?.broker.publish([{ topic, frame: 'x' }]) ?? Promise.resolve(), {
    name: 'BrokerUnavailable',
  });
  t.ok(performance.now() - before < 2 * ACCEPT_SECONDS * 1000 + 400, 'answered in time');
  await until(() => nodes.every(({ broker }) => !broker.isReady()), 'no node is ready');
  await t.rejects(second.roster.counts([topic]), { name: 'BrokerUnavailable' });
  const late = new RosterClient(second, topic, '5.9', 'late');
  await t.rejects(late.join(), { name: 'BrokerUnavailable' });
  t.equal(late.joined, false);
  redis.signal('SIGCONT');
  await until(() => nodes.every(({ broker }) => broker.isReady()), 'every node is ready again');
  await late.join();
  const truth = ['late', 'user0', 'user1', 'user2'];
  const all = [...clients, late];
  await until(() => all.every((client) => client.sorted().join() === truth.join()), 'every list is the truth');
  t.same(
    all.flatMap(({ complaints }) => complaints),
    [],
  );
});

await t.test('users that watch others are right after an outage', async (t) => {
  const { redis, cluster } = await start(t);
  const [one, two] = cluster.nodes;
  if (one === undefined || two === undefined) throw new Error('nodes are missing');
  const topics = ['stays', 'goes'].map((userId) => `app/#watch-${userId}`);
  await Promise.all(topics.map((topic) => one.broker.subscribe(topic)));
  await two.roster.signIn('app', 'stays', '1.1');
  await two.roster.signIn('app', 'goes', '1.2');
  await until(() => one.delivered.length === 2, 'both are online');
  t.same(await one.roster.online('app', ['stays', 'goes']), ['stays', 'goes']);
  await redis.kill();
  await t.rejects(two.roster.signOut('app', 'goes', '1.2'), { name: 'BrokerUnavailable' });
  await redis.start();
  await until(() => one.delivered.length === 3, 'one has gone meanwhile', 8000);
  t.match(one.delivered[2]?.frame, /offline.*goes/);
  t.same(await one.roster.online('app', ['stays', 'goes']), ['stays']);
});

await t.test('a server that takes no writes is not relied on', async (t) => {
  const { redis, cluster } = await start(t);
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error('a node is missing');
  await node.broker.subscribe('app/c');
  // As the old master of a partition is told to be.
  await redis.command('CONFIG', 'SET', 'min-replicas-to-write', '1');
  await until(() => !node.broker.isReady(), 'it is not ready');
  await t.rejects(node.broker.publish([{ topic: 'app/c', frame: 'x' }]), { name: 'BrokerUnavailable' });
  await redis.command('CONFIG', 'SET', 'min-replicas-to-write', '0');
  await until(() => node.broker.isReady(), 'it is ready again');
  await node.broker.publish([{ topic: 'app/c', frame: 'y' }]);
  await until(() => node.delivered.length > 0, 'messages arrive again');
  t.same(
    node.delivered.map(({ frame }) => frame),
    ['y'],
  );
});
