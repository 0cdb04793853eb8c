import t from 'tap';
import { ApiFixture, app, header } from '../support/api.ts';

t.test('the occupied channels are listed, by prefix and with what is asked about them', async (t) => {
  const api = new ApiFixture();
  t.equal((await api.get('/channels')).body, '{"channels":{}}', 'an object when empty');
  await api.join('presence-a', '1.1', 'ann');
  await api.join('presence-a', '1.2', 'ann');
  await api.join('presence-b', '1.1', 'ann');
  await api.join('plain', '1.3');
  await api.join('__proto__', '1.3');
  await api.join('#server-to-user-7', '1.3');
  t.equal(
    (await api.get('/channels')).body,
    '{"channels":{"presence-a":{},"presence-b":{},"plain":{},"__proto__":{}}}',
    'without the channels of the server itself',
  );
  t.equal((await api.get('/channels', { filter_by_prefix: 'pl' })).body, '{"channels":{"plain":{}}}');
  t.equal((await api.get('/channels', { filter_by_prefix: '#' })).body, '{"channels":{"#server-to-user-7":{}}}');
  const counted = await api.get('/channels', { filter_by_prefix: 'presence-', info: 'user_count,subscription_count' });
  t.equal(
    counted.body,
    '{"channels":{"presence-a":{"user_count":1,"subscription_count":2},"presence-b":{"user_count":1,"subscription_count":1}}}',
  );
});

t.test('what cannot be asked about a list', async (t) => {
  const api = new ApiFixture();
  for (const prefix of [{}, { filter_by_prefix: 'p' }, { filter_by_prefix: 'private-' }]) {
    const answer = await api.get('/channels', { ...prefix, info: 'user_count' });
    t.equal(answer.status, 400);
    t.match(answer.body, /filter_by_prefix that begins with presence-/);
  }
  t.match(await api.get('/channels', { info: 'cache' }), {
    status: 400,
    body: /ask for user_count, subscription_count/,
  });
});

t.test('one channel: 200 whether anyone is there or not', async (t) => {
  const api = new ApiFixture();
  t.same(await api.get('/channels/a'), { status: 200, body: '{"occupied":false}' });
  await api.join('a', '1.1');
  t.equal((await api.get('/channels/a')).body, '{"occupied":true}');
  t.equal(
    (await api.get('/channels/a', { info: 'subscription_count' })).body,
    '{"occupied":true,"subscription_count":1}',
  );
  t.equal((await api.get('/channels/users')).body, '{"occupied":false}', 'a channel that is called users');
  await api.join('presence-a', '1.1', 'ann');
  t.equal(
    (await api.get('/channels/presence-a', { info: 'user_count,subscription_count' })).body,
    '{"occupied":true,"user_count":1,"subscription_count":1}',
  );
  t.match(await api.get('/channels/a', { info: 'user_count' }), { status: 400, body: /presence channels only/ });
  t.match(await api.get('/channels/a%20b'), { status: 400, body: /Invalid channel name 'a b'/ });
  t.equal((await api.get('/channels/%23server-to-user-7')).body, '{"occupied":false}');
});

t.test('the last event of a cache channel', async (t) => {
  const api = new ApiFixture();
  const data = '{"a": 1,\n"b":"é"}';
  t.equal((await api.get('/channels/cache-a', { info: 'cache' })).body, '{"occupied":false,"cache":null}');
  await api.post('/events', { name: 'first', channel: 'cache-a', data: '1' });
  await api.post('/events', { name: 'foo', channel: 'cache-a', data });
  await api.post('/events', { name: 'foo', channel: 'a', data });
  const { body } = await api.get('/channels/cache-a', { info: 'cache,subscription_count' });
  t.same(JSON.parse(body), { occupied: false, subscription_count: 0, cache: { data, ttl: 1800 } });
  t.equal(
    (await api.get('/channels/a', { info: 'cache' })).body,
    '{"occupied":false,"cache":null}',
    'no cache channel',
  );
});

t.test('the users of a presence channel, each once', async (t) => {
  const api = new ApiFixture();
  t.same(await api.get('/channels/presence-a/users'), { status: 200, body: '{"users":[]}' });
  await api.join('presence-a', '1.1', 'ann');
  await api.join('presence-a', '1.2', 'ann');
  await api.join('presence-a', '1.3', 'bob');
  t.equal((await api.get('/channels/presence-a/users')).body, '{"users":[{"id":"ann"},{"id":"bob"}]}');
  t.match(await api.get('/channels/private-a/users'), { status: 400, body: /presence channels only/ });
});

t.test('reads have a quota of their own', async (t) => {
  const api = new ApiFixture([app({ limits: { readsPerSecond: 3, triggersPerSecond: 1 } })]);
  for (const path of ['/channels', '/channels/a', '/channels/presence-a/users']) {
    t.equal((await api.get(path)).status, 200);
  }
  for (const path of ['/channels', '/channels/a', '/channels/presence-a/users']) {
    const over = await api.get(path);
    t.equal(over.status, 429);
    t.equal(header(over, 'retry-after'), '1');
  }
  t.equal((await api.post('/events', { name: 'foo', channel: 'a', data: '' })).status, 200);
});
