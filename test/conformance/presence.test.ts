import t from 'tap';
import { unique } from '../support/names.ts';
import { decoded, on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { overEachTransport } from '../support/target.ts';

await overEachTransport(t, async (t, target) => {
  const api = new SignedApi(target);
  const member = (userId: unknown, userInfo?: unknown) => JSON.stringify({ user_id: userId, user_info: userInfo });
  const ADDED = 'pusher_internal:member_added';
  const REMOVED = 'pusher_internal:member_removed';

  async function join(t: Parameters<typeof RawClient.connect>[0], channel: string, data: string) {
    const client = await RawClient.connect(t, target);
    const success = await client.subscribe(channel, data);
    t.equal(success.event, 'pusher_internal:subscription_succeeded');
    return { client, success };
  }

  /** After this, whatever was told to the channel before has arrived at these clients. */
  async function fence(channel: string, ...clients: RawClient[]): Promise<void> {
    const name = unique('fence-');
    await api.trigger(channel, name, '{}');
    for (const client of clients) await client.next(on(channel, name));
  }

  t.test('the success tells ids, hash and count, the joiner included', async (t) => {
    const channel = `presence-${unique('c')}`;
    const { success } = await join(t, channel, member('1', { name: 'Ada', tags: ['ż', {}] }));
    t.strictSame(decoded(success), {
      presence: { ids: ['1'], hash: { 1: { name: 'Ada', tags: ['ż', {}] } }, count: 1 },
    });
    const second = await join(t, channel, member('2', { name: 'Grace' }));
    const { presence } = decoded(second.success) as { presence: { ids: string[]; hash: object; count: number } };
    t.strictSame([...presence.ids].sort(), ['1', '2']);
    t.strictSame(presence.hash, { 1: { name: 'Ada', tags: ['ż', {}] }, 2: { name: 'Grace' } });
    t.equal(presence.count, 2);
  });

  t.test('hash is an object, with an entry for a member without user_info', async (t) => {
    for (const data of ['{"user_id":"1"}', '{"user_id":"1","user_info":null}', '{"user_id":"1","user_info":{}}']) {
      const { success } = await join(t, `presence-${unique('c')}`, data);
      const { presence } = decoded(success) as {
        presence: { ids: string[]; hash: Record<string, unknown>; count: number };
      };
      t.notOk(Array.isArray(presence.hash), data);
      t.strictSame(Object.keys(presence.hash), ['1'], 'pusher-js counts by hash: the key is there');
      t.strictSame([presence.ids, presence.count], [['1'], 1]);
    }
  });

  t.test('member_added goes to the others, once, as a string of user_id and user_info', async (t) => {
    const channel = `presence-${unique('c')}`;
    const first = await join(t, channel, member('1', { n: 1 }));
    const second = await join(t, channel, member('2', { n: 2 }));
    const added = await first.client.next(ADDED);
    t.equal(added.channel, channel);
    t.strictSame(decoded(added), { user_id: '2', user_info: { n: 2 } });
    t.notOk(added.raw.includes('"user_id":null'));
    await fence(channel, first.client, second.client);
    t.equal(first.client.unread(ADDED).length, 0, 'once, and never to the joiner itself');
    t.equal(second.client.unread(ADDED).length, 0, 'never to the joiner itself');
  });

  t.test('member_removed goes to the others, with user_id alone', async (t) => {
    const channel = `presence-${unique('c')}`;
    const stays = await join(t, channel, member('1'));
    for (const leave of ['unsubscribe', 'close', 'cut'] as const) {
      const { client } = await join(t, channel, member('2', { n: 2 }));
      await stays.client.next(ADDED);
      if (leave === 'unsubscribe') client.unsubscribe(channel);
      else if (leave === 'close') await client.close();
      else client.cut();
      const removed = await stays.client.next(REMOVED);
      t.strictSame(decoded(removed), { user_id: '2' }, leave);
      t.equal(removed.channel, channel);
      if (leave === 'unsubscribe') {
        await client.fence();
        t.equal(client.unread(REMOVED).length, 0, 'never to who leaves');
      }
    }
    const { presence } = decoded((await join(t, channel, member('3'))).success) as { presence: { ids: string[] } };
    t.strictSame([...presence.ids].sort(), ['1', '3'], 'who left is not counted');
  });

  t.test('several connections of one user are one member', async (t) => {
    const channel = `presence-${unique('c')}`;
    const watcher = await join(t, channel, member('w'));
    const one = await join(t, channel, member('1', { from: 'phone' }));
    await watcher.client.next(ADDED);
    const two = await join(t, channel, member('1', { from: 'desk' }));
    const three = await join(t, channel, member('1', { from: 'car' }));
    const { presence } = decoded(three.success) as { presence: { count: number; ids: string[] } };
    t.equal(presence.count, 2);
    t.strictSame([...presence.ids].sort(), ['1', 'w']);
    await fence(channel, watcher.client, one.client, two.client, three.client);
    t.equal(watcher.client.unread(ADDED).length, 0, 'no second member_added');
    t.equal(one.client.unread(ADDED).length, 0, 'nor to the user itself');
    t.strictSame((await api.get(`/channels/${channel}`, { info: 'user_count,subscription_count' })).json, {
      occupied: true,
      user_count: 2,
      subscription_count: 4,
    });

    one.client.unsubscribe(channel);
    await two.client.close();
    await fence(channel, watcher.client, three.client);
    t.equal(watcher.client.unread(REMOVED).length, 0, 'one connection is left');
    await three.client.close();
    t.strictSame(decoded(await watcher.client.next(REMOVED)), { user_id: '1' });
    await fence(channel, watcher.client);
    t.equal(watcher.client.unread(REMOVED).length, 0, 'told once');
  });

  t.test('a user id is compared as a string, whether it came as a number or a string', async (t) => {
    const channel = `presence-${unique('c')}`;
    const watcher = await join(t, channel, member('w'));
    const number = await join(t, channel, member(10, { from: 'Laravel' }));
    t.strictSame((decoded(number.success) as { presence: { ids: unknown[] } }).presence.ids.includes('10'), true);
    const added = decoded(await watcher.client.next(ADDED)) as { user_id: unknown };
    t.equal(String(added.user_id), '10');
    const text = await join(t, channel, member('10', { from: 'Node' }));
    t.equal((decoded(text.success) as { presence: { count: number } }).presence.count, 2);
    await fence(channel, watcher.client);
    t.equal(watcher.client.unread(ADDED).length, 0);
    await number.client.close();
    await fence(channel, watcher.client);
    t.equal(watcher.client.unread(REMOVED).length, 0);
    await text.client.close();
    t.equal(String((decoded(await watcher.client.next(REMOVED)) as { user_id: unknown }).user_id), '10');
  });

  t.test('ids that are numbers by half keep their own', async (t) => {
    const channel = `presence-${unique('c')}`;
    for (const id of ['01', '1', '1.0', '1e0', ' 1', 'a b', 'ż/?&#%']) await join(t, channel, member(id));
    const { json } = await api.get(`/channels/${channel}/users`);
    const ids = (json as { users: { id: string }[] }).users.map((user) => user.id);
    t.strictSame(ids.sort(), [' 1', '01', '1', '1.0', '1e0', 'a b', 'ż/?&#%'].sort());
  });

  t.test('one connection in several presence channels', async (t) => {
    const [a, b] = [`presence-${unique('a')}`, `presence-${unique('b')}`];
    const watchers = [await join(t, a, member('w')), await join(t, b, member('w'))];
    const client = await RawClient.connect(t, target);
    await client.subscribe(a, member('1', { in: 'a' }));
    await client.subscribe(b, member('1', { in: 'b' }));
    await client.close();
    for (const [i, { client: watcher }] of watchers.entries()) {
      t.strictSame(decoded(await watcher.next(ADDED)), { user_id: '1', user_info: { in: i === 0 ? 'a' : 'b' } });
      t.strictSame(decoded(await watcher.next(REMOVED)), { user_id: '1' });
    }
  });

  t.test('a crowd that comes and goes at once leaves an exact count', async (t) => {
    const channel = `presence-${unique('c')}`;
    const watcher = await join(t, channel, member('w'));
    const clients = await Promise.all(Array.from({ length: 30 }, () => RawClient.connect(t, target)));
    await Promise.all(clients.map((client, i) => client.subscribe(channel, member(`u${i % 10}`))));
    t.match((await api.get(`/channels/${channel}`, { info: 'user_count' })).json, { user_count: 11 });
    for (const client of clients) client.cut();
    for (let i = 0; i < 10; i += 1) await watcher.client.next(REMOVED);
    await fence(channel, watcher.client);
    t.equal(watcher.client.unread(REMOVED).length, 0, 'each removal told once');
    t.match((await api.get(`/channels/${channel}`, { info: 'user_count,subscription_count' })).json, {
      user_count: 1,
      subscription_count: 1,
    });
  });
});
