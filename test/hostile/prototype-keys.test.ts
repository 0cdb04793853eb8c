import t from 'tap';
import { decoded, on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { startFanfare } from '../support/target.ts';

const target = await startFanfare(t);
const api = new SignedApi(target);
const keys = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];
const SUCCESS = 'pusher_internal:subscription_succeeded';

t.test('as the name of a channel', async (t) => {
  const client = await RawClient.connect(t, target);
  for (const key of keys) {
    t.same((await api.get(`/channels/${key}`)).json, { occupied: false }, 'nobody is there before');
    t.equal((await client.subscribe(key)).event, SUCCESS, key);
    await api.trigger(key, 'e', '{}');
    await client.next(on(key, 'e'));
    t.match((await api.get(`/channels/${key}`)).json, { occupied: true });
  }
  const { json } = await api.get('/channels', { info: 'subscription_count' });
  const { channels } = json as { channels: object };
  for (const key of keys) t.ok(Object.hasOwn(channels, key), `${key} is listed`);
  for (const key of keys) client.unsubscribe(key);
  await client.fence();
  t.same((await api.get('/channels')).json, { channels: {} });
});

t.test('in the info of an event', async (t) => {
  const answer = await api.post('/events', { name: 'e', data: '', channels: keys, info: 'subscription_count' });
  const { channels } = answer.json as { channels: object };
  for (const key of keys) t.ok(Object.hasOwn(channels, key), key);
  const odd = await api.post('/events', { name: 'e', data: '', channels: ['c'], info: keys.join(',') });
  t.ok([200, 400].includes(odd.status), 'as an attribute');
});

t.test('as the id of a member', async (t) => {
  const watcher = await RawClient.connect(t, target);
  await watcher.subscribe('presence-c', '{"user_id":"w"}');
  for (const key of keys) {
    const client = await RawClient.connect(t, target);
    const success = await client.subscribe('presence-c', JSON.stringify({ user_id: key, user_info: { n: 1 } }));
    t.equal(success.event, SUCCESS);
    const { presence } = decoded(success) as {
      presence: { ids: string[]; hash: Record<string, unknown>; count: number };
    };
    t.ok(Object.hasOwn(presence.hash, key), `${key} is in the hash`);
    t.same([presence.ids.length, presence.count], [2, 2]);
    t.same(
      decoded(await watcher.next('pusher_internal:member_added')),
      JSON.parse(`{"user_id":"${key}","user_info":{"n":1}}`),
    );
    t.same(((await api.get('/channels/presence-c/users')).json as { users: object[] }).users.length, 2);
    await client.close();
    t.same(decoded(await watcher.next('pusher_internal:member_removed')), { user_id: key });
  }
});

t.test('as the id of a user, and in a watchlist', async (t) => {
  const watcher = await RawClient.connect(t, target);
  await watcher.signIn({ id: 'w', watchlist: keys });
  for (const key of keys) {
    const client = await RawClient.connect(t, target);
    t.equal((await client.signIn(`{"id":"${key}"}`)).event, 'pusher:signin_success', key);
    t.match((await watcher.next('pusher_internal:watchlist_events')).data, key);
    t.equal((await client.subscribe(`#server-to-user-${key}`)).event, SUCCESS);
    await api.trigger(`#server-to-user-${key}`, 'note', '{}');
    await client.next('note');
    t.equal((await api.post(`/users/${key}/terminate_connections`, '{}')).status, 200);
    t.equal((await client.closed).code, 4009);
    t.match((await watcher.next('pusher_internal:watchlist_events')).data, 'offline');
  }
});

t.test('as keys of what is signed or sent', async (t) => {
  const client = await RawClient.connect(t, target);
  const channelData = '{"__proto__":{"user_id":"1"},"constructor":{"user_id":"2"}}';
  const answer = await client.subscribe('presence-own', channelData);
  t.equal(answer.event, 'pusher:subscription_error', 'an inherited user_id is none');
  client.send('{"__proto__":{"event":"pusher:ping"}}');
  client.send('{"event":"pusher:subscribe","data":{"__proto__":{"channel":"inherited"}}}');
  await client.fence();
  t.equal(client.unread('pusher:pong').length, 0, 'an inherited event is none');
  t.equal(client.unread(SUCCESS).length, 0, 'an inherited channel is none');
  const event = await api.post('/events', '{"__proto__":{"name":"e","data":"","channels":["c"]}}');
  t.equal(event.status, 400);
  t.equal(({} as Record<string, unknown>).user_id, undefined, 'no prototype was changed');
});
