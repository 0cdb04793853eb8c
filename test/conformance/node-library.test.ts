import PusherServer from 'pusher';
import t from 'tap';
import { unique } from '../support/names.ts';
import { decoded, on, RawClient } from '../support/raw-client.ts';
import { openTarget } from '../support/target.ts';
import { within } from '../support/wait.ts';

/** The official server library for Node, as a backend uses it. */
const target = await openTarget(t);
const { appId, key, secret } = target;
const { hostname, port } = new URL(target.origin);
const server = new PusherServer({ appId, key, secret, host: hostname, port, useTLS: false });

t.test('trigger, with socket_id and info', async (t) => {
  const name = `presence-${unique('c')}`;
  const [sender, other] = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
  for (const client of [sender, other]) {
    const signed = server.authorizeChannel(client.socketId, name, { user_id: '7', user_info: { name: 'Ada' } });
    const answer = await client.subscribe(name, signed.channel_data, signed.auth);
    t.equal(answer.event, 'pusher_internal:subscription_succeeded', 'what it signs is accepted');
  }
  const answer = await server.trigger(name, 'e', { a: [1] }, { socket_id: sender.socketId, info: 'user_count' });
  t.equal(answer.status, 200);
  t.strictSame(await answer.json(), { channels: { [name]: { user_count: 1 } } });
  t.equal((await other.next(on(name, 'e'))).data, '{"a":[1]}');
  await server.trigger(name, 'fence', 'text');
  t.equal((await sender.next('fence')).data, 'text');
  t.equal(sender.unread('e').length, 0);
});

t.test('triggerBatch', async (t) => {
  const name = unique('c');
  const client = await RawClient.connect(t, target);
  await client.subscribe(name);
  const answer = await server.triggerBatch([
    { channel: name, name: 'one', data: { n: 1 } },
    { channel: name, name: 'two', data: 'żółw', info: 'subscription_count' },
  ]);
  t.strictSame(await answer.json(), { batch: [{}, { subscription_count: 1 }] });
  t.equal((await client.next('one')).data, '{"n":1}');
  t.equal((await client.next('two')).data, 'żółw');
});

t.test('get: channels, a channel, users', async (t) => {
  const name = `presence-a@b=c;${unique('')}`;
  const client = await RawClient.connect(t, target);
  await client.subscribe(name, '{"user_id":"1"}');
  const get = async (path: string, params = {}) => await (await server.get({ path, params })).json();
  t.strictSame(await get('/channels', { filter_by_prefix: name, info: 'user_count' }), {
    channels: { [name]: { user_count: 1 } },
  });
  t.strictSame(await get(`/channels/${name}`, { info: 'user_count' }), { occupied: true, user_count: 1 });
  t.strictSame(await get(`/channels/${name}/users`), { users: [{ id: '1' }] });
});

t.test('authenticateUser, sendToUser, terminateUserConnections', async (t) => {
  const id = unique('user ż@');
  const client = await RawClient.connect(t, target);
  const signed = server.authenticateUser(client.socketId, { id });
  client.send({ event: 'pusher:signin', data: signed });
  t.strictSame(decoded(await client.next('pusher:signin_success')), { user_data: signed.user_data });
  await client.subscribe(`#server-to-user-${id}`);
  t.equal((await server.sendToUser(id, 'note', { n: 1 })).status, 200);
  t.equal((await client.next('note')).data, '{"n":1}');
  t.equal((await server.terminateUserConnections(id)).status, 200);
  t.equal((await within(client.closed, 'the close')).code, 4009);
});

t.test('a refusal is an error with its status and sentence', async (t) => {
  const wrong = new PusherServer({ appId, key, secret: 'wrong', host: hostname, port, useTLS: false });
  const refusals = [
    [wrong.trigger(unique('c'), 'e', {}), 401, /\w+ \w+/],
    [server.trigger(unique('c'), 'e', 'x'.repeat(150_000)), 413, /content of this event/],
  ] as const;
  for (const [call, status, sentence] of refusals) {
    const error = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    t.match(error, { status, body: sentence });
  }
});
