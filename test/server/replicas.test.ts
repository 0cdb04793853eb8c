import type { PresenceChannel } from 'pusher-js';
import t, { type Test } from 'tap';
import { unique } from '../support/names.ts';
import { connectPusher, emitted } from '../support/pusher-client.ts';
import { RawClient } from '../support/raw-client.ts';
import { startRedis } from '../support/redis-server.ts';
import { SignedApi, send } from '../support/signed-api.ts';
import { APP, startFanfare, type Target } from '../support/target.ts';
import { until, within } from '../support/wait.ts';

const redis = await startRedis();
t.teardown(() => redis.stop());
const settings = { apps: [{ ...APP, clientEvents: true, subscriptionCount: true }], redis: { url: redis.url } };
const [one, two, three] = await Promise.all([
  startFanfare(t, settings),
  startFanfare(t, settings),
  startFanfare(t, settings),
]);
for (const { origin } of [one, two, three]) {
  await until(async () => (await send(origin, 'GET', '/ready')).status === 200, 'the replica is ready');
}
const [api, otherApi] = [new SignedApi(one), new SignedApi(two)];

async function clientOf(t: Test, target: Target, channel: string, id: string) {
  const pusher = await connectPusher(t, target, {}, { id, user_info: { of: id } });
  const subscription = pusher.subscribe(channel) as PresenceChannel;
  await emitted(subscription, 'pusher:subscription_succeeded');
  const events: unknown[] = [];
  subscription.bind('event', (data: unknown) => events.push(data));
  return { pusher, subscription, events };
}

/** A stock client on each replica, subscribed to the channel. */
function everywhere(t: Test, channel: string) {
  return Promise.all([
    clientOf(t, one, channel, 'user0'),
    clientOf(t, two, channel, 'user1'),
    clientOf(t, three, channel, 'user2'),
  ]);
}

await t.test('events reach clients of every replica, in one order, but not the socket to leave out', async (t) => {
  const channel = unique('public-');
  const clients = await everywhere(t, channel);
  const count = 60;
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      (index % 2 === 0 ? api : otherApi).trigger(channel, 'event', String(index)),
    ),
  );
  await until(() => clients.every(({ events }) => events.length === count), 'every event arrives');
  const [first, , leftOut] = clients;
  for (const { events } of clients) t.same(events, first.events);
  t.same([...first.events].sort(), Array.from({ length: count }, (_, index) => index).sort());

  await api.trigger(channel, 'event', '"not you"', { socket_id: leftOut.pusher.connection.socket_id });
  await api.trigger(channel, 'event', '"all"');
  await until(() => clients.every(({ events }) => events.includes('all')), 'the last arrives');
  t.same(
    clients.map(({ events }) => events.includes('not you')),
    [true, true, false],
  );
});

await t.test('client events go from replica to replica, with the sender’s id and not back to it', async (t) => {
  const channel = unique('presence-');
  const clients = await everywhere(t, channel);
  const heard: unknown[][] = clients.map(() => []);
  for (const [index, { subscription }] of clients.entries()) {
    subscription.bind('client-typing', (data: unknown, metadata: unknown) => heard[index]?.push([data, metadata]));
  }
  clients[0].subscription.trigger('client-typing', { on: true });
  await until(() => heard[1]?.length === 1 && heard[2]?.length === 1, 'the others hear it');
  await api.trigger(channel, 'event', '1');
  await until(() => clients.every(({ events }) => events.length === 1), 'what comes later arrives');
  t.same(heard, [[], [[{ on: true }, { user_id: 'user0' }]], [[{ on: true }, { user_id: 'user0' }]]]);
});

await t.test('one presence roster', async (t) => {
  const channel = unique('presence-');
  const clients = await everywhere(t, channel);
  const [first, second, third] = clients;
  await until(() => clients.every(({ subscription }) => subscription.members.count === 3), 'all know of three');
  t.same(third.subscription.members.get('user0'), { id: 'user0', info: { of: 'user0' } });
  t.equal(second.subscription.members.me.id, 'user1');
  const { users } = (await otherApi.get(`/channels/${channel}/users`)).json as { users: { id: string }[] };
  t.same(users.map(({ id }) => id).sort(), ['user0', 'user1', 'user2']);
  const removed = emitted(first.subscription, 'pusher:member_removed');
  third.pusher.disconnect();
  t.match(await removed, { id: 'user2' });
  await until(() => [first, second].every(({ subscription }) => subscription.members.count === 2), 'both know of two');
  const { json } = await otherApi.get(`/channels/${channel}`, { info: 'user_count,subscription_count' });
  t.same(json, { occupied: true, user_count: 2, subscription_count: 2 });
});

await t.test('counts and lists are of all replicas', async (t) => {
  const channel = unique('counted-');
  const clients = await everywhere(t, channel);
  const counts: unknown[] = [];
  clients[0].subscription.bind('pusher:subscription_count', (data: unknown) => counts.push(data));
  await connectPusher(t, two).then((pusher) => pusher.subscribe(channel));
  await until(() => JSON.stringify(counts.at(-1)) === '{"subscription_count":4}', 'the count is told');
  const { json } = await api.get('/channels', { filter_by_prefix: channel, info: 'subscription_count' });
  t.same(json, { channels: { [channel]: { subscription_count: 4 } } });
});

await t.test('a cache channel’s last event waits on every replica', async (t) => {
  const channel = unique('cache-');
  await api.trigger(channel, 'event', '"first"');
  await otherApi.trigger(channel, 'event', '"last"');
  const pusher = await connectPusher(t, three);
  t.equal(await emitted(pusher.subscribe(channel), 'event'), 'last');
});

await t.test('users: events to one, watchlists, and the end of all of one’s connections', async (t) => {
  const [ann, bob] = [unique('ann'), unique('bob')];
  const watcher = await connectPusher(t, one, {}, { id: bob, watchlist: [ann] });
  const told: unknown[] = [];
  watcher.user.watchlist.bind('online', (event: unknown) => told.push(['online', event]));
  watcher.user.watchlist.bind('offline', (event: unknown) => told.push(['offline', event]));
  watcher.signin();
  await emitted(watcher, 'pusher:signin_success');
  const anns = [await RawClient.connect(t, two), await RawClient.connect(t, three)];
  for (const client of anns) {
    await client.signIn({ id: ann });
    await client.subscribe(`#server-to-user-${ann}`);
  }
  await until(() => told.length === 1, 'the watcher is told');
  await api.trigger(`#server-to-user-${ann}`, 'greet', '"hello"');
  for (const client of anns) t.match(await client.next('greet'), { data: '"hello"' });
  t.equal((await api.post(`/users/${ann}/terminate_connections`, {})).status, 200);
  for (const client of anns) t.equal((await within(client.closed, 'the close')).code, 4009);
  await until(() => told.length === 2, 'the watcher is told');
  t.match(told, [
    ['online', { user_ids: [ann] }],
    ['offline', { user_ids: [ann] }],
  ]);
  t.equal(watcher.connection.state, 'connected');
});
