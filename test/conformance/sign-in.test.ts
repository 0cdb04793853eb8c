import t from 'tap';
import { unique } from '../support/names.ts';
import { decoded, on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { channelAuth, userAuth } from '../support/signing.ts';
import { overEachTransport } from '../support/target.ts';

await overEachTransport(t, async (t, target) => {
  const api = new SignedApi(target);
  const OK = 'pusher:signin_success';
  const SUBSCRIBED = 'pusher_internal:subscription_succeeded';

  t.test('the success carries user_data as it was signed', async (t) => {
    for (const userData of [
      JSON.stringify({ id: unique('u') }),
      ` { "id" : "${unique('u')}" , "user_info" : {"name":"\\u017b 😀"} } `,
    ]) {
      const client = await RawClient.connect(t, target);
      const answer = await client.signIn(userData);
      t.equal(answer.event, OK);
      t.strictSame(decoded(answer), { user_data: userData });
      t.notOk('channel' in answer, 'no channel');
    }
  });

  t.test('a sign-in that fails is a pusher:error with an object, and no sign-in', async (t) => {
    const id = unique('u');
    const good = JSON.stringify({ id });
    const attempts: [string, (client: RawClient) => unknown][] = [
      ['a wrong signature', () => ({ auth: `${target.key}:${'0'.repeat(64)}`, user_data: good })],
      ['no signature', () => ({ user_data: good })],
      ['an empty signature', () => ({ auth: '', user_data: good })],
      ["another socket's", () => ({ auth: userAuth(target, '1.1', good), user_data: good })],
      ['other data than was signed', (c) => ({ auth: userAuth(target, c.socketId, good), user_data: `${good} ` })],
      ['a channel signature', (c) => ({ auth: channelAuth(target, c.socketId, 'private-x'), user_data: good })],
      ['another key', (c) => ({ auth: userAuth({ ...target, key: 'x' }, c.socketId, good), user_data: good })],
      ['no user_data', (c) => ({ auth: userAuth(target, c.socketId, '') })],
      ['user_data that is an object', (c) => ({ auth: userAuth(target, c.socketId, good), user_data: { id } })],
      ...['', 'no json', '{}', '[]', 'null', '{"id":""}', '{"id":7}', '{"id":null}', '{"id":{"a":1}}'].map(
        (text): [string, (client: RawClient) => unknown] => [
          `signed, but ${text || 'empty'}`,
          (c) => ({ auth: userAuth(target, c.socketId, text), user_data: text }),
        ],
      ),
      ['no data', () => undefined],
      ['data a string', () => 'text'],
    ];
    for (const [name, dataOf] of attempts) {
      const client = await RawClient.connect(t, target);
      client.send({ event: 'pusher:signin', data: dataOf(client) });
      const answer = await client.next((frame) => frame.event === 'pusher:error' || frame.event === OK);
      t.equal(answer.event, 'pusher:error', name);
      t.match(answer.data, { message: /\w+ \w+/ }, 'with a sentence');
    }
  });

  t.test('again as the same user succeeds, as another fails', async (t) => {
    const [id, other] = [unique('u'), unique('u')];
    const client = await RawClient.connect(t, target);
    t.equal((await client.signIn({ id })).event, OK);
    t.equal((await client.signIn({ id, user_info: { name: 'again' } })).event, OK);
    t.equal((await client.signIn({ id: other })).event, 'pusher:error');
    t.equal((await client.subscribe(`#server-to-user-${id}`)).event, SUBSCRIBED, 'the first user it stays');
  });

  t.test('#server-to-user-{id} is for that user alone', async (t) => {
    const [id, other] = [unique('u'), unique('u')];
    const client = await RawClient.connect(t, target);
    const before = await client.subscribe(`#server-to-user-${id}`);
    t.equal(before.event, 'pusher:subscription_error', 'not before signing in');
    await client.signIn({ id });
    const foreign = await client.subscribe(`#server-to-user-${other}`);
    t.equal(foreign.event, 'pusher:subscription_error', "not another user's");
    t.match(foreign.data, { type: String, error: String, status: Number });
    const prefixOnly = await client.subscribe('#server-to-user-');
    t.equal(prefixOnly.event, 'pusher:subscription_error', "not nobody's");
    const own = await client.subscribe(`#server-to-user-${id}`);
    t.equal(own.event, SUBSCRIBED);
    t.equal(own.data, '{}');
  });

  t.test('an event to a user reaches every connection of that user, and no other', async (t) => {
    const [id, other] = [unique('user-@ż '), unique('u')];
    const mine = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
    const theirs = await RawClient.connect(t, target);
    for (const client of mine) {
      await client.signIn({ id });
      await client.subscribe(`#server-to-user-${id}`);
    }
    await theirs.signIn({ id: other });
    await theirs.subscribe(`#server-to-user-${other}`);
    await api.trigger(`#server-to-user-${id}`, 'note', '{"n":1}');
    for (const client of mine) {
      const event = await client.next(on(`#server-to-user-${id}`, 'note'));
      t.equal(event.data, '{"n":1}');
    }
    await api.trigger(`#server-to-user-${other}`, 'fence', '{}');
    await theirs.next('fence');
    t.equal(theirs.unread('note').length, 0);
  });

  t.test("a signed-in connection's presence subscription may leave out channel_data", async (t) => {
    const id = unique('u');
    const channel = `presence-${unique('c')}`;
    const watcher = await RawClient.connect(t, target);
    await watcher.subscribe(channel, '{"user_id":"w"}');
    const client = await RawClient.connect(t, target);
    await client.signIn({ id, user_info: { name: 'Ada' } });
    const success = await client.subscribe(channel);
    t.equal(success.event, SUBSCRIBED);
    const { presence } = decoded(success) as { presence: { hash: Record<string, unknown>; count: number } };
    t.strictSame(presence.hash[id], { name: 'Ada' }, 'the member comes from user_data');
    t.equal(presence.count, 2);
    const added = await watcher.next('pusher_internal:member_added');
    t.strictSame(decoded(added), { user_id: id, user_info: { name: 'Ada' } });
    const unsigned = await client.subscribe(`presence-${unique('c')}`, undefined, '');
    t.equal(unsigned.event, 'pusher:subscription_error', 'a signature is still wanted');
  });

  t.test('an explicit channel_data wins over the sign-in', async (t) => {
    const channel = `presence-${unique('c')}`;
    const client = await RawClient.connect(t, target);
    await client.signIn({ id: unique('u') });
    const success = await client.subscribe(channel, '{"user_id":"explicit"}');
    t.strictSame((decoded(success) as { presence: { ids: string[] } }).presence.ids, ['explicit']);
  });
});
