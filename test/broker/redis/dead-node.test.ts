import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { closeNode, redisNode } from '../../support/contract-cluster.ts';
import { unique } from '../../support/names.ts';
import type { ChurnReport } from '../../support/redis/churn-node.ts';
import { NodeProcess } from '../../support/redis/node-process.ts';
import { startRedis } from '../../support/redis-server.ts';
import { RosterClient } from '../../support/roster-client.ts';
import { until } from '../../support/wait.ts';

const LEASE_SECONDS = 1;

t.setTimeout(120_000);

await t.test('200 users come and go over four nodes, one of which is killed', async (t) => {
  const redis = await startRedis();
  const topic = `app/${unique('presence-')}`;
  const processes = await Promise.all(
    [1, 2, 3, 4].map((label) =>
      NodeProcess.start('churn-node.ts', redis.url, 'churn:', topic, label, 50, LEASE_SECONDS),
    ),
  );
  t.teardown(async () => {
    await Promise.all(processes.map((process) => process.kill()));
    await redis.stop();
  });
  const [victim, ...survivors] = processes;
  if (victim === undefined) throw new Error('no process');
  await Promise.all(processes.map((process) => process.ask('start')));
  await pause(1000);
  await victim.kill();
  await pause(500);
  await Promise.all(survivors.map((process) => process.ask('settle')));

  let reports: ChurnReport[] = [];
  const truth = () => [...new Set(reports.flatMap(({ present }) => present))].sort();
  const wrong = () => reports.flatMap(({ lists }) => lists).filter(({ members }) => members.join() !== truth().join());
  await until(
    async () => {
      reports = await Promise.all(survivors.map((process) => process.ask<ChurnReport>('report')));
      return wrong().length === 0;
    },
    'every list is the truth',
    2 * LEASE_SECONDS * 1000 + 1500,
  ).catch((error: unknown) => {
    const [one] = wrong();
    t.comment(`${one?.socketId} has ${one?.members.join()} of ${truth().join()}`);
    throw error;
  });
  t.ok(truth().length > 20, `${truth().length} users are present`);
  t.same(
    reports.flatMap(({ complaints }) => complaints),
    [],
    'no member was added or removed twice, nobody was told of itself',
  );
});

await t.test('what a dead node held is removed within two leases, and told once', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const settings = { url: redis.url, leaseSeconds: LEASE_SECONDS, keyPrefix: 'dead:' };
  const [one, two] = await Promise.all([redisNode(settings), redisNode(settings)]);
  t.teardown(() => Promise.all([one, two].map(closeNode)));
  const topic = `app/${unique('presence-')}`;
  const watchers = [new RosterClient(one, topic, '1.1', 'one'), new RosterClient(two, topic, '2.1', 'two')];
  for (const watcher of watchers) await watcher.join();
  // Both have had their lease for long enough to judge others.
  await pause(LEASE_SECONDS * 1000);
  const process = await NodeProcess.start('churn-node.ts', redis.url, settings.keyPrefix, topic, 3, 20, LEASE_SECONDS);
  t.teardown(() => process.kill());
  await process.ask('start');
  await until(() => watchers.every(({ members }) => members.size > 5), 'users have come');
  await process.kill();
  const killedAt = performance.now();
  await until(() => watchers.every(({ members }) => members.size === 2), 'they are removed', 4000);
  const tookMs = performance.now() - killedAt;
  t.ok(tookMs <= 2 * LEASE_SECONDS * 1000, `after ${Math.round(tookMs)} ms`);
  t.same(
    watchers.map((watcher) => watcher.sorted()),
    [
      ['one', 'two'],
      ['one', 'two'],
    ],
  );
  t.same(
    watchers.flatMap(({ complaints }) => complaints),
    [],
  );
  t.same(await one.roster.counts([topic]), [{ subscriptionCount: 2, userCount: 2 }]);
  t.same([...(await one.roster.channels('app', '')).values()], [{ subscriptionCount: 2, userCount: 2 }]);
});
