import t from 'tap';
import { ApiFixture, app, KEY, request, SECRET, signedQuery } from '../support/api.ts';

t.test('the connections of a user are ended, with a body or without', async (t) => {
  const api = new ApiFixture();
  t.same(await api.post('/users/42/terminate_connections', '{}'), { status: 200, body: '{}' });
  t.same(await api.post('/users/43/terminate_connections', ''), { status: 200, body: '{}' });
  t.same(api.terminated, ['3/42', '3/43']);
});

t.test('a user is taken out of channels', async (t) => {
  const api = new ApiFixture();
  const call = (body: unknown) => api.post('/users/a/b/unsubscribe', body);
  t.same(await call({ channels: ['private-x', 'y'] }), { status: 200, body: '{}' });
  t.same(api.unsubscribed, ['3/a/b: private-x y']);
  for (const body of ['', '{}', { channels: [] }, { channels: 'x' }, { channels: [7] }]) {
    t.match(await call(body), { status: 400, body: /\{"channels":\["private-chat"\]\}/ });
  }
  t.match(await call({ channels: ['a b'] }), { status: 400, body: /Invalid channel name 'a b'/ });
  const many = Array.from({ length: 101 }, (_, index) => `c${index}`);
  t.match(await call({ channels: many }), { status: 400, body: /at most 100/ });
  t.equal(api.unsubscribed.length, 1);
});

t.test('ids arrive as the libraries write them: encoded, signed either way, or as they are', async (t) => {
  const api = new ApiFixture();
  for (const [signed, sent] of [
    ['/apps/3/users/a b/terminate_connections', '/apps/3/users/a%20b/terminate_connections'],
    ['/apps/3/users/a%20b/terminate_connections', '/apps/3/users/a%20b/terminate_connections'],
    ['/apps/3/users/é/x/terminate_connections', '/apps/3/users/%C3%A9/x/terminate_connections'],
    ['/apps/3/users/100%/terminate_connections', '/apps/3/users/100%/terminate_connections'],
  ] as const) {
    const answer = await api.send(request('POST', sent, signedQuery('POST', signed, {}, '{}'), '{}'));
    t.equal(answer.status, 200, `${signed} as ${sent}`);
  }
  t.same(api.terminated, ['3/a b', '3/a b', '3/é/x', '3/100%']);
});

t.test('without the app in the path, as Python calls it, the key tells the app', async (t) => {
  const other = { key: 'other-key', secret: 'other-secret' };
  const api = new ApiFixture([app(), app({ id: '4', ...other })]);
  const path = '/users/42/terminate_connections';
  const call = async (credentials: { key: string; secret: string }) =>
    await api.send(request('POST', path, signedQuery('POST', path, {}, '{}', credentials), '{}'));
  t.equal((await call({ key: KEY, secret: SECRET })).status, 200);
  t.equal((await call(other)).status, 200);
  t.same(api.terminated, ['3/42', '4/42']);
  t.match(await call({ key: 'no-such', secret: SECRET }), { status: 401, body: /'no-such' is not the key of any app/ });
  t.match(await call({ key: KEY, secret: 'wrong' }), { status: 401, body: /Invalid signature/ });
  t.equal(api.terminated.length, 2);
});

t.test('a path without an id is none', async (t) => {
  const api = new ApiFixture();
  for (const path of [
    '/users//terminate_connections',
    '/users/terminate_connections',
    '/users/1/terminate',
    '/users/1',
  ]) {
    t.equal((await api.send(request('POST', path))).status, 404, path);
  }
});
