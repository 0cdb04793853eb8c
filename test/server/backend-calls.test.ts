import t from 'tap';
import { unique } from '../support/names.ts';
import { connectPusher, emitted } from '../support/pusher-client.ts';
import { RawClient } from '../support/raw-client.ts';
import { startRedis } from '../support/redis-server.ts';
import { SignedApi, send } from '../support/signed-api.ts';
import { APP, startFanfare } from '../support/target.ts';
import { until } from '../support/wait.ts';

// What Fanfare's HTTP API has beside the hosted service's, over two replicas.
const redis = await startRedis();
t.teardown(() => redis.stop());
const settings = {
  apps: [{ ...APP, rewind: [{ channels: 'private-kept-*', events: 3, seconds: 60 }] }],
  redis: { url: redis.url },
};
const [one, two] = await Promise.all([startFanfare(t, settings), startFanfare(t, settings)]);
for (const { origin } of [one, two]) {
  await until(async () => (await send(origin, 'GET', '/ready')).status === 200, 'the replica is ready');
}
const [api, otherApi] = [new SignedApi(one), new SignedApi(two)];

await t.test('a trigger that is repeated on another replica is delivered once', async (t) => {
  const channel = unique('public-');
  const client = await RawClient.connect(t, one);
  await client.subscribe(channel);
  const key = unique('key');
  const body = JSON.stringify({ name: 'event', channels: [channel], data: '"once"' });
  const call = (of: SignedApi, text = body) =>
    of.request({ method: 'POST', path: `/apps/${APP.id}/events`, body: text, headers: { 'Idempotency-Key': key } });
  const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => call(index % 2 === 0 ? api : otherApi)));
  const statuses = new Set(answers.map(({ status }) => status));
  t.ok(
    [...statuses].every((status) => status === 200 || status === 409),
    [...statuses].join(),
  );
  t.equal(answers.filter(({ headers, status }) => status === 200 && !headers['idempotent-replayed']).length, 1);
  const again = await call(otherApi);
  t.match(again, { status: 200, text: '{}', headers: { 'idempotent-replayed': 'true' } });
  t.equal((await call(api, body.replace('once', 'other'))).status, 422);
  await otherApi.trigger(channel, 'event', '"last"');
  t.match(await client.next('event'), { data: '"once"' });
  t.match(await client.next('event'), { data: '"last"' });
});

await t.test('any replica gives what a channel’s log has', async (t) => {
  const channel = unique('private-kept-');
  const client = await RawClient.connect(t, one);
  await client.subscribe(channel);
  for (const data of ['1', '2', '3', '4']) await api.trigger(channel, 'event', data);
  const seen: unknown[] = [];
  for (let index = 0; index < 4; index += 1)
    seen.push((JSON.parse((await client.next('event')).raw) as { id?: unknown }).id);
  const events = await otherApi.get(`/channels/${channel}/events`, { since: String(seen[1]), limit: '10' });
  t.same(events.json, {
    events: [
      { id: seen[2], name: 'event', data: '3' },
      { id: seen[3], name: 'event', data: '4' },
    ],
    complete: true,
    more: false,
    last: seen[3],
  });
  t.equal((await otherApi.get(`/channels/${unique('other')}/events`)).status, 404);
  t.equal((await otherApi.request({ path: `/apps/${APP.id}/channels/${channel}/events`, secret: 'x' })).status, 401);
});

await t.test('an event reaches each user of a list, on every replica', async (t) => {
  const users = [unique('ann'), unique('bob'), unique('cid')];
  const clients = await Promise.all(
    users.map(async (id, index) => {
      const client = await RawClient.connect(t, index === 0 ? one : two);
      await client.signIn({ id });
      await client.subscribe(`#server-to-user-${id}`);
      return client;
    }),
  );
  const answer = await api.post('/events', { name: 'greet', data: '"hello"', user_ids: users.slice(0, 2) });
  t.equal(answer.status, 200);
  for (const client of clients.slice(0, 2)) t.match(await client.next('greet'), { data: '"hello"' });
  await api.trigger(`#server-to-user-${users[2]}`, 'greet', '"only you"');
  t.match(await clients[2]?.next('greet'), { data: '"only you"' });
});

await t.test('stock clients of a user are taken out of a channel, and their bindings hear of it', async (t) => {
  const [ann, bob] = [unique('ann'), unique('bob')];
  const channel = unique('presence-');
  const other = unique('private-');
  const clients = await Promise.all(
    [
      [one, ann],
      [two, ann],
      [two, bob],
    ].map(async ([target, id]) => {
      const pusher = await connectPusher(t, target as typeof one, {}, { id: id as string });
      const subscription = pusher.subscribe(channel);
      await emitted(subscription, 'pusher:subscription_succeeded');
      await emitted(pusher.subscribe(other), 'pusher:subscription_succeeded');
      const events: unknown[] = [];
      for (const name of ['pusher:subscription_error', 'event', 'pusher:member_removed']) {
        subscription.bind(name, (data: unknown) => events.push([name, data]));
      }
      return { pusher, subscription, events };
    }),
  );
  t.equal((await api.post(`/users/${ann}/unsubscribe`, { channels: [channel, 'not-joined'] })).status, 200);
  const [first, second, third] = clients;
  await until(() => third?.events.length === 1, 'the others see the member go');
  await until(() => first?.events.length === 1 && second?.events.length === 1, 'the bindings hear of it');
  await api.trigger(channel, 'event', '"after"');
  await until(() => third?.events.length === 2, 'who stays hears what comes');
  const told = ['pusher:subscription_error', { type: 'Unsubscribed', error: /by the application/, status: 403 }];
  t.match(first?.events, [told]);
  t.match(second?.events, [told]);
  t.match(third?.events, [
    ['pusher:member_removed', { id: ann }],
    ['event', 'after'],
  ]);
  t.equal(first?.pusher.connection.state, 'connected');
  const { json } = await otherApi.get(`/channels/${other}`, { info: 'subscription_count' });
  t.match(json, { subscription_count: 3 }, 'no other channel is left');
  // As the docs say: after unsubscribing, the page may ask anew.
  first?.pusher.unsubscribe(channel);
  const anew = first?.pusher.subscribe(channel);
  if (anew === undefined) throw new Error('no client');
  await emitted(anew, 'pusher:subscription_succeeded');
});
