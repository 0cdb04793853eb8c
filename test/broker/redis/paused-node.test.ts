import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { closeNode, redisNode } from '../../support/contract-cluster.ts';
import { unique } from '../../support/names.ts';
import type { ChurnReport } from '../../support/redis/churn-node.ts';
import { NodeProcess } from '../../support/redis/node-process.ts';
import { startRedis } from '../../support/redis-server.ts';
import { RosterClient } from '../../support/roster-client.ts';
import { until } from '../../support/wait.ts';

const LEASE_SECONDS = 0.6;

t.setTimeout(120_000);

await t.test('a node that was paused past its lease writes its entries anew', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const settings = { url: redis.url, leaseSeconds: LEASE_SECONDS, keyPrefix: 'paused:' };
  const node = await redisNode(settings);
  t.teardown(() => closeNode(node));
  const topic = `app/${unique('presence-')}`;
  const watcher = new RosterClient(node, topic, '1.1', 'watcher');
  await watcher.join();
  await pause(LEASE_SECONDS * 1000);
  const process = await NodeProcess.start('churn-node.ts', redis.url, settings.keyPrefix, topic, 3, 30, LEASE_SECONDS);
  t.teardown(() => process.kill());
  await process.ask('start');
  await pause(300);
  const { present } = await process.ask<ChurnReport>('settle');
  const everyone = [...new Set([...present, 'watcher'])].sort();
  await until(() => watcher.sorted().join() === everyone.join(), 'the watcher knows everyone');

  for (let round = 0; round < 2; round += 1) {
    process.signal('SIGSTOP');
    await until(() => watcher.members.size === 1, 'the paused node is taken for dead');
    t.same(await node.roster.userIds(topic), ['watcher']);
    process.signal('SIGCONT');
    await until(() => watcher.sorted().join() === everyone.join(), 'everyone is back');
    await until(async () => {
      const { lists } = await process.ask<ChurnReport>('report');
      return lists.every(({ members }) => members.join() === everyone.join());
    }, 'and knows of everyone');
    const [counts] = await node.roster.counts([topic]);
    t.equal(counts?.subscriptionCount, present.length + 1);
    t.equal(counts?.userCount, everyone.length);
  }
  t.same((await process.ask<ChurnReport>('report')).complaints, []);
  t.same(watcher.complaints, []);
});
