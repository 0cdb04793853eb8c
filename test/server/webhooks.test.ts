import t from 'tap';
import { unique } from '../support/names.ts';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { APP, startFanfare } from '../support/target.ts';
import { until } from '../support/wait.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const SETTINGS = { allowPrivateNetworks: true, graceSeconds: 0.1 };

t.test('a backend is told all seven kinds', async (t) => {
  const receiver = await WebhookReceiver.start(t, APP);
  const apps = [{ ...APP, subscriptionCount: true, webhooks: [{ url: receiver.url }] }];
  const target = await startFanfare(t, { apps, webhooks: SETTINGS });
  const [one, two] = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
  const [presence, cache] = [unique('presence-'), unique('cache-')];
  await one.subscribe(presence, '{"user_id":"7"}');
  await two.subscribe(presence, '{"user_id":"8"}');
  await one.subscribe(cache);
  await new SignedApi(target).trigger(cache, 'e', 'kept');
  await two.subscribe(cache);
  two.send({ event: 'client-typing', channel: presence, data: { a: 1 } });
  await until(() => receiver.said().includes(`client_event ${presence} 8`), 'the client event');
  for (const client of [one, two]) await client.close();
  await until(() => receiver.said().filter((text) => text.startsWith('channel_vacated')).length === 2, 'both are left');
  const events = receiver.events();
  const of = (name: string) => events.filter((event) => event.name === name);
  t.same(
    of('channel_occupied').map(({ channel }) => channel),
    [presence, cache],
  );
  t.same(
    ['member_added', 'member_removed'].map((name) =>
      of(name)
        .map(({ channel, user_id: user }) => `${channel} ${user}`)
        .sort(),
    ),
    [
      [`${presence} 7`, `${presence} 8`],
      [`${presence} 7`, `${presence} 8`],
    ],
  );
  t.same(
    of('cache_miss').map(({ channel }) => channel),
    [cache],
    'the second found an event',
  );
  t.match(of('client_event'), [{ event: 'client-typing', data: '{"a":1}', socket_id: two.socketId, user_id: '8' }]);
  t.same(
    of('subscription_count').map(({ channel, subscription_count: count }) => `${channel} ${count}`),
    [1, 2, 1, 0].map((count) => `${cache} ${count}`),
  );
  t.same(receiver.complaints, []);
});

t.test('a server that stops tells that its channels are left', async (t) => {
  const receiver = await WebhookReceiver.start(t, APP);
  const apps = [{ ...APP, webhooks: [{ url: receiver.url, events: ['channel_vacated' as const] }] }];
  const target = await startFanfare(t, { apps, webhooks: { ...SETTINGS, graceSeconds: 30 }, shutdownGraceSeconds: 2 });
  const client = await RawClient.connect(t, target);
  const channel = unique('c');
  await client.subscribe(channel);
  await target.stop();
  t.same(receiver.said(), [`channel_vacated ${channel}`]);
});
