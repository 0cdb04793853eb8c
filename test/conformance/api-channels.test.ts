import t from 'tap';
import { unique } from '../support/names.ts';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { openTarget } from '../support/target.ts';

const target = await openTarget(t);
const api = new SignedApi(target);

t.test('the list of channels, by prefix, with info', async (t) => {
  const tag = unique('');
  const [plain, presence, secret] = [`${tag}-plain`, `presence-${tag}`, `private-${tag}`];
  for (const user of ['1', '2']) {
    const client = await RawClient.connect(t, target);
    await client.subscribe(plain);
    await client.subscribe(presence, JSON.stringify({ user_id: user }));
    if (user === '1') await client.subscribe(secret);
  }
  const all = await api.get('/channels');
  t.equal(all.status, 200);
  t.match(all.headers['content-type'], /^application\/json/);
  t.match(all.json, { channels: { [plain]: {}, [presence]: {}, [secret]: {} } });
  t.strictSame((all.json as { channels: Record<string, unknown> }).channels[plain], {}, 'an empty object, never []');

  const byPrefix = async (query: Record<string, string>) => (await api.get('/channels', query)).json;
  t.strictSame(await byPrefix({ filter_by_prefix: tag }), { channels: { [plain]: {} } });
  t.strictSame(await byPrefix({ filter_by_prefix: `presence-${tag}`, info: 'user_count' }), {
    channels: { [presence]: { user_count: 2 } },
  });
  t.strictSame(await byPrefix({ filter_by_prefix: `private-${tag}`, info: 'subscription_count' }), {
    channels: { [secret]: { subscription_count: 1 } },
  });
  t.strictSame(await byPrefix({ filter_by_prefix: presence, info: 'user_count,subscription_count' }), {
    channels: { [presence]: { user_count: 2, subscription_count: 2 } },
  });
});

t.test('nothing to list is an empty object', async (t) => {
  const answer = await api.get('/channels', { filter_by_prefix: unique('none-') });
  t.equal(answer.status, 200);
  t.equal(answer.text.replaceAll(' ', ''), '{"channels":{}}');
});

t.test('user_count of a list that is not of presence channels is a 400', async (t) => {
  for (const query of [{ info: 'user_count' }, { info: 'user_count', filter_by_prefix: 'private-' }]) {
    const answer = await api.get('/channels', query);
    t.equal(answer.status, 400, JSON.stringify(query));
    t.match(answer.text, /\w+ \w+/);
  }
});

t.test("a signed-in user's own channel is not listed among names", async (t) => {
  const id = unique('u');
  const client = await RawClient.connect(t, target);
  await client.signIn({ id });
  await client.subscribe(`#server-to-user-${id}`);
  const own = unique('c');
  await client.subscribe(own);
  const { json } = await api.get('/channels', { filter_by_prefix: own });
  t.strictSame(json, { channels: { [own]: {} } });
});

t.test('one channel', async (t) => {
  const [plain, presence] = [unique('c'), `presence-${unique('c')}`];
  t.strictSame((await api.get(`/channels/${plain}`)).json, { occupied: false }, 'a 200 even when empty');
  const client = await RawClient.connect(t, target);
  await client.subscribe(plain);
  await client.subscribe(presence, '{"user_id":"1"}');
  t.strictSame((await api.get(`/channels/${plain}`)).json, { occupied: true });
  t.strictSame((await api.get(`/channels/${plain}`, { info: 'subscription_count' })).json, {
    occupied: true,
    subscription_count: 1,
  });
  t.strictSame((await api.get(`/channels/${presence}`, { info: 'user_count,subscription_count' })).json, {
    occupied: true,
    user_count: 1,
    subscription_count: 1,
  });
  const empty = await api.get(`/channels/presence-${unique('c')}`, { info: 'user_count,subscription_count' });
  t.equal(empty.status, 200);
  t.strictSame(empty.json, { occupied: false, user_count: 0, subscription_count: 0 });
  t.equal((await api.get(`/channels/${plain}`, { info: 'user_count' })).status, 400, 'user_count is for presence');
  client.unsubscribe(plain);
  await client.fence();
  t.strictSame((await api.get(`/channels/${plain}`)).json, { occupied: false }, 'vacated');
});

t.test('cache info: the event that is kept, or null', async (t) => {
  const channel = `cache-${unique('c')}`;
  const before = await api.get(`/channels/${channel}`, { info: 'cache' });
  t.equal(before.status, 200);
  t.strictSame(before.json, { occupied: false, cache: null });
  await api.trigger(channel, 'e', ' {"a":1} ');
  const { cache } = (await api.get(`/channels/${channel}`, { info: 'cache' })).json as {
    cache: { data: unknown; ttl: unknown };
  };
  t.strictSame(Object.keys(cache).sort(), ['data', 'ttl']);
  t.equal(cache.data, ' {"a":1} ');
  t.ok(Number.isInteger(cache.ttl) && Number(cache.ttl) > 0 && Number(cache.ttl) <= 1800, `30 minutes: ${cache.ttl}`);
});

t.test('names with every allowed character, raw or encoded in the path', async (t) => {
  const channel = `presence-a_b=c@d,e.f;g-${unique('')}`;
  const client = await RawClient.connect(t, target);
  await client.subscribe(channel, '{"user_id":"1"}');
  const path = `/apps/${target.appId}/channels/${channel}`;
  const encoded = `/apps/${target.appId}/channels/${encodeURIComponent(channel)}`;
  t.notSame(path, encoded);
  for (const [signed, sent] of [
    [path, path],
    [path, encoded],
    [encoded, encoded],
  ]) {
    const answer = await api.request({ path: signed ?? '', sentPath: sent ?? '' });
    t.equal(answer.status, 200, `signed ${signed}, sent ${sent}`);
    t.strictSame(answer.json, { occupied: true });
    const users = await api.request({ path: `${signed}/users`, sentPath: `${sent}/users` });
    t.strictSame(users.json, { users: [{ id: '1' }] });
  }
});

t.test('the users of a presence channel, once each, ids as strings', async (t) => {
  const channel = `presence-${unique('c')}`;
  const users = async (name: string) => await api.get(`/channels/${name}/users`);
  const empty = await users(channel);
  t.equal(empty.status, 200);
  t.strictSame(empty.json, { users: [] });
  for (const id of [7, '7', 'ada']) {
    const client = await RawClient.connect(t, target);
    await client.subscribe(channel, JSON.stringify({ user_id: id, user_info: { secret: true } }));
  }
  const { json } = await users(channel);
  const list = (json as { users: { id: string }[] }).users;
  t.strictSame(
    list.sort((a, b) => (a.id < b.id ? -1 : 1)),
    [{ id: '7' }, { id: 'ada' }],
    'ids alone',
  );
  for (const other of [unique('c'), `private-${unique('c')}`, `cache-${unique('c')}`, 'presenced']) {
    const answer = await users(other);
    t.equal(answer.status, 400, other);
    t.match(answer.text, /\w+ \w+/);
  }
  const cached = `presence-cache-${unique('c')}`;
  const client = await RawClient.connect(t, target);
  await client.subscribe(cached, '{"user_id":"1"}');
  t.strictSame((await users(cached)).json, { users: [{ id: '1' }] }, 'a presence cache channel too');
});
