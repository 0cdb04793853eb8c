import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { redisCluster } from '../../support/contract-cluster.ts';
import { unique } from '../../support/names.ts';
import { Load } from '../../support/redis/load.ts';
import { type RedisServer, startCluster, startSentinels } from '../../support/redis-server.ts';
import { RosterClient } from '../../support/roster-client.ts';
import { until } from '../../support/wait.ts';

/** A master dies under load; `url` goes on to name the deployment. */
async function masterDies(t: Test, url: string, victim: RedisServer): Promise<void> {
  const cluster = await redisCluster(url, 2, { leaseSeconds: 1.5, acceptTimeoutSeconds: 0.5 });
  t.teardown(() => cluster.close());
  const { nodes } = cluster;
  const nodeAt = (index: number) => {
    const node = nodes[index];
    if (node === undefined) throw new Error('a node is missing');
    return node;
  };
  // Enough of them that each shard of a Cluster has some.
  const topics = Array.from({ length: 12 }, () => `app/${unique('presence-')}`);
  const loads = topics.map((topic) => new Load(nodes, topic.replace('presence-', 'x')));
  const clients = topics.flatMap((topic, at) =>
    nodes.map((node, index) => new RosterClient(node, topic, `${at}.${index}`, `user${index}`)),
  );
  await Promise.all(clients.map((client) => client.join()));
  await Promise.all(loads.map((load) => load.start(25)));
  await pause(400);
  const killedAt = performance.now();
  await victim.kill();
  await until(() => nodes.every(({ broker }) => !broker.isReady()), 'the loss is noticed');
  await until(() => nodes.every(({ broker }) => broker.isReady()), 'another has taken over', 15_000);
  const readyAt = performance.now();
  t.comment(`ready again after ${Math.round(readyAt - killedAt)} ms`);
  const settledMs = 1500;
  await pause(settledMs + 500);
  await Promise.all(loads.map((load) => load.stop()));

  for (const load of loads) {
    for (const node of nodes) {
      t.notOk(
        [...load.arrivals(node).values()].some((times) => times > 1),
        'nothing arrived twice',
      );
      const missing = load.missing(node);
      t.ok(
        missing.every(({ sentMs, tookMs }) => sentMs + tookMs > killedAt - 200 && sentMs < readyAt + settledMs),
        `${missing.length} of ${load.accepted().length} missed, all around the failover`,
      );
    }
    const late = load.accepted().filter(({ sentMs }) => sentMs > readyAt + settledMs);
    t.ok(late.length > 0, 'messages are accepted again');
  }
  for (const topic of topics) {
    await until(async () => (await nodeAt(0).roster.userIds(topic)).sort().join() === 'user0,user1', 'all are present');
  }
  t.ok(
    clients.every((client) => client.sorted().join() === 'user0,user1'),
    'every list is the truth',
  );
  // New ones are told to all.
  const guests = topics.map((topic, at) => new RosterClient(nodeAt(at % 2), topic, `9.${at}`, 'guest'));
  await Promise.all(guests.map((guest) => guest.join()));
  const everyone = [...clients, ...guests];
  await until(() => everyone.every((client) => client.sorted().join() === 'guest,user0,user1'), 'the guests are told');
  t.same(
    everyone.flatMap(({ complaints }) => complaints),
    [],
  );
}

t.setTimeout(120_000);

await t.test('a failover by Sentinel', async (t) => {
  const deployment = await startSentinels();
  t.teardown(() => deployment.stop());
  await masterDies(t, deployment.url, deployment.master);
  t.match(await deployment.replica.command('ROLE'), /^master/);
});

await t.test('a master of a Cluster is lost', async (t) => {
  const deployment = await startCluster(3, { replicated: true });
  t.teardown(() => deployment.stop());
  const [victim] = deployment.masters;
  if (victim === undefined) throw new Error('no master');
  await masterDies(t, deployment.url, victim);
});
