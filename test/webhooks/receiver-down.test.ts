import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { MemoryGivenUp } from '../../src/broker/memory/memory-given-up.ts';
import { ConfiguredApps } from '../../src/core/contracts/app.ts';
import { createMetrics } from '../../src/core/contracts/metrics.ts';
import { type WebhookSettings, Webhooks } from '../../src/webhooks/index.ts';
import { type ContractCluster, hereAndThere, memoryCluster, redisCluster } from '../support/contract-cluster.ts';
import { recordingLogger } from '../support/fakes.ts';
import { startRedis } from '../support/redis-server.ts';
import { app as testApp } from '../support/unit-app.ts';
import { until } from '../support/wait.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

/** FANFARE_TEST_DOWN_SECONDS=60 is the long form. */
const DOWN_SECONDS = Number(process.env.FANFARE_TEST_DOWN_SECONDS ?? 1.5);
/** The pauses between attempts double, so that it takes as long again until the next one. */
const BACK_SECONDS = 15 + DOWN_SECONDS * 2;
/** Something happens so often. */
const STEP_MS = DOWN_SECONDS > 10 ? 40 : 10;

const CREDENTIALS = { id: 'told', key: 'told-key', secret: 'told-secret' };

t.setTimeout(60_000 + DOWN_SECONDS * 4000);
t.jobs = 2;

const redis = await startRedis();
t.teardown(() => redis.stop());

/** Every node of a cluster tells one receiver. */
async function tell(t: Test, cluster: ContractCluster, changes: Partial<WebhookSettings> = {}) {
  t.teardown(() => cluster.close());
  const receiver = await WebhookReceiver.start(t, CREDENTIALS);
  const apps = new ConfiguredApps([testApp({ ...CREDENTIALS, webhooks: [{ url: receiver.url }] })]);
  const settings = {
    allowPrivateNetworks: true,
    timeoutSeconds: 0.5,
    retrySeconds: 300,
    graceSeconds: 0.3,
    ...changes,
  };
  const metrics = createMetrics();
  const { logger } = recordingLogger();
  const givenUp = new MemoryGivenUp();
  for (const { outbox } of cluster.nodes) {
    const hooks = new Webhooks({ apps, outbox, givenUp, settings: () => settings, metrics, logger });
    hooks.start();
    t.teardown(() => hooks.stop());
  }
  return { ...hereAndThere(cluster), receiver, metrics, givenUp };
}

async function outlasts(t: Test, cluster: ContractCluster): Promise<void> {
  const { here, there, receiver, metrics, givenUp } = await tell(t, cluster);
  const ends = [here, there];
  const expected: string[] = [];
  let made = 0;
  const make = async (seconds: number) => {
    const endMs = performance.now() + seconds * 1000;
    while (performance.now() < endMs) {
      const channel = `c${made}`;
      const { roster } = ends[made % 2] ?? here;
      made += 1;
      await roster.enter({ topic: `told/${channel}`, socketId: '1.1' }, () => undefined);
      expected.push(`channel_occupied ${channel}`);
      if (made % 3 === 0) {
        await roster.leave(`told/${channel}`, '1.1');
        expected.push(`channel_vacated ${channel}`);
      }
      await pause(STEP_MS);
    }
  };
  await make(0.3);
  for (const down of ['reset', 503, 'hang'] as const) {
    receiver.down = down;
    await make(DOWN_SECONDS / 3);
  }
  const before = receiver.events().length;
  receiver.down = undefined;
  await until(() => new Set(receiver.said()).size >= expected.length, 'all are told', BACK_SECONDS * 1000);
  t.ok(before < expected.length / 2, 'most were told once it was back');
  t.same([...new Set(receiver.said())].sort(), expected.sort(), 'nothing is lost, and nothing else is told');
  const idsOf = new Map<string, Set<string>>();
  for (const { name, channel, id } of receiver.events()) {
    const text = `${name} ${channel}`;
    idsOf.set(text, (idsOf.get(text) ?? new Set()).add(id));
  }
  t.ok(
    [...idsOf.values()].every((ids) => ids.size === 1),
    'nothing is told under two ids',
  );
  t.ok(metrics.webhooks.get('retried') > 0);
  t.equal(metrics.webhooks.get('given_up'), 0);
  t.same(await givenUp.list('told'), []);
  t.same(receiver.complaints, []);
  t.comment(
    `${expected.length} facts, ${metrics.webhooks.get('retried')} attempts that failed, ` +
      `${receiver.events().length - expected.length} told twice, by the same id`,
  );
}

t.test(`a receiver is down for ${DOWN_SECONDS} s: one node`, { buffered: true }, async (t) => {
  await outlasts(t, await memoryCluster());
});

t.test(`a receiver is down for ${DOWN_SECONDS} s: two nodes over Redis`, { buffered: true }, async (t) => {
  await outlasts(t, await redisCluster(redis.url, 2));
});

t.test('who leaves at one node and is back at another in time never left', { buffered: true }, async (t) => {
  const { here, there, receiver } = await tell(t, await redisCluster(redis.url, 2), { graceSeconds: 1 });
  const ann = { userId: 'ann', info: undefined };
  const [back, gone, room] = ['told/back', 'told/gone', 'told/presence-room'];
  const enter = async (node: typeof here, topic: string, socketId: string, member?: typeof ann) => {
    await node.broker.subscribe(topic);
    await node.roster.enter({ topic, socketId, member }, () => undefined);
  };
  await enter(here, back, '1.1');
  await enter(here, gone, '1.1');
  await enter(here, room, '1.1', ann);
  await enter(there, room, '2.1', { ...ann, userId: 'bob' });
  const came = ['channel_occupied back', 'channel_occupied gone', 'channel_occupied presence-room'];
  came.push('member_added presence-room ann', 'member_added presence-room bob');
  await until(() => receiver.events().length === came.length, 'who came is told');
  t.same(receiver.said().sort(), came);

  await here.roster.leave(back, '1.1');
  await here.roster.leave(room, '1.1');
  await enter(there, back, '2.2');
  await enter(there, room, '2.2', ann);
  await here.roster.leave(gone, '1.1');
  await until(() => receiver.said().includes('channel_vacated gone'), 'what is left for good is told');
  t.same(receiver.said().slice(came.length), ['channel_vacated gone'], 'neither the going nor the coming is');

  await there.roster.leave(back, '2.2');
  await there.roster.leave(room, '2.2');
  await until(() => receiver.events().length === came.length + 3, 'a later going is told');
  t.same(
    receiver
      .said()
      .slice(came.length + 1)
      .sort(),
    ['channel_vacated back', 'member_removed presence-room ann'],
  );
  t.equal(new Set(receiver.events().map(({ id }) => id)).size, receiver.events().length, 'each once');
});
