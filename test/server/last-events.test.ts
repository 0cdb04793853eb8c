import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { unique } from '../support/names.ts';
import { RawClient } from '../support/raw-client.ts';
import { startRedis } from '../support/redis-server.ts';
import { APP, startFanfare } from '../support/target.ts';
import { until } from '../support/wait.ts';

const apps = [{ ...APP, limits: { clientEventsPerSecond: 0 } }];

/** Sends so many client events and closes in the same breath; gives what another member hears. */
async function sendAndClose(t: Test, settings: Partial<ConfigInput>): Promise<string[]> {
  const target = await startFanfare(t, { apps, ...settings });
  const channel = unique('private-');
  const listener = await RawClient.connect(t, target);
  await listener.subscribe(channel);
  const sender = await RawClient.connect(t, target);
  await sender.subscribe(channel);
  for (let sent = 0; sent < 50; sent += 1) sender.send({ event: 'client-x', channel, data: String(sent) });
  await sender.close();
  const heard = () => listener.frames.filter(({ event }) => event === 'client-x').map(({ data }) => String(data));
  await until(() => heard().length === 50, '50 events');
  return heard();
}

const inOrder = Array.from({ length: 50 }, (_, index) => String(index));

t.test('client events right before a clean close arrive, all and in their order: in memory', async (t) => {
  t.same(await sendAndClose(t, {}), inOrder);
});

t.test('…and with Redis', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  t.same(await sendAndClose(t, { redis: { url: redis.url } }), inOrder);
});
