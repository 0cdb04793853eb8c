import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { closeNode, redisNode } from '../support/contract-cluster.ts';
import { NodeProcess } from '../support/redis/node-process.ts';
import { startRedis } from '../support/redis-server.ts';
import { until } from '../support/wait.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const LEASE_SECONDS = 1;
/** FANFARE_TEST_KILLS=100 is the long form. */
const KILLS = Number(process.env.FANFARE_TEST_KILLS ?? 2);

t.setTimeout(60_000 + KILLS * 10_000);

await t.test(`${KILLS} nodes are killed while they tell: nothing is lost, and nothing is two things`, async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const receiver = await WebhookReceiver.start(t, { key: 'app-key', secret: 'app-secret' });
  const settings = { url: redis.url, keyPrefix: 'hooks:', leaseSeconds: LEASE_SECONDS };
  const node = await redisNode(settings);
  t.teardown(() => closeNode(node));
  const startTelling = () =>
    NodeProcess.start('webhook-node.ts', redis.url, settings.keyPrefix, receiver.url, LEASE_SECONDS);

  let made = 0;
  let busy = true;
  const making = (async () => {
    while (busy) {
      const topic = `told/c${made}`;
      made += 1;
      await node.roster.enter({ topic, socketId: '1.1' }, () => undefined);
      // Some are left for good, and some for less than the grace.
      if (made % 3 === 0) await node.roster.leave(topic, '1.1');
      if (made % 6 === 0) await node.roster.enter({ topic, socketId: '1.1' }, () => undefined);
      await pause(5);
    }
  })();

  let telling = [await startTelling(), await startTelling()];
  t.teardown(() => Promise.all(telling.map((process) => process.kill())));
  for (let kill = 0; kill < KILLS; kill += 1) {
    const [victim, ...others] = telling;
    const next = startTelling();
    await pause(Math.random() * 300);
    await victim?.kill();
    telling = [...others, await next];
  }
  busy = false;
  await making;

  const occupied = (index: number) => `channel_occupied c${index}`;
  const isVacated = (index: number) => (index + 1) % 3 === 0 && (index + 1) % 6 !== 0;
  const expected = Array.from({ length: made }, (_, index) => occupied(index));
  for (let index = 0; index < made; index += 1) if (isVacated(index)) expected.push(`channel_vacated c${index}`);
  await until(
    () => {
      const said = new Set(receiver.said());
      return expected.every((text) => said.has(text));
    },
    'all are told',
    30_000,
  ).catch((error: unknown) => {
    const said = new Set(receiver.said());
    const missing = expected.filter((text) => !said.has(text));
    t.comment(`${missing.length} of ${expected.length} are missing, such as ${missing.slice(0, 5).join()}`);
    throw error;
  });
  const idsOf = new Map<string, Set<string>>();
  for (const { name, channel, id } of receiver.events()) {
    const text = `${name} ${channel}`;
    idsOf.set(text, (idsOf.get(text) ?? new Set()).add(id));
  }
  t.same([...idsOf.keys()].sort(), expected.sort(), 'nothing else is told');
  t.ok(
    [...idsOf.values()].every((ids) => ids.size === 1),
    'no fact is told under two ids',
  );
  t.same(receiver.complaints, []);
  t.comment(`${receiver.events().length - expected.length} of ${expected.length} were told twice, by the same id`);
});
