import t from 'tap';
import { BrokerUnavailable } from '../../src/core/contracts/broker.ts';
import type { HttpResponse } from '../../src/core/contracts/http.ts';
import type { Quotas } from '../../src/core/contracts/quotas.ts';
import { ApiFixture, app, header, request, signedQuery } from '../support/api.ts';

const EVENT = '{"name":"foo","channel":"a","data":"{}"}';
const EVENTS = '/apps/3/events';
const PATHS: ReadonlyArray<readonly [string, 'GET' | 'POST']> = [
  [EVENTS, 'POST'],
  ['/apps/3/batch_events', 'POST'],
  ['/apps/3/channels', 'GET'],
  ['/apps/3/channels/a', 'GET'],
  ['/apps/3/channels/presence-a/users', 'GET'],
  ['/apps/3/users/7/terminate_connections', 'POST'],
];

t.test('an unknown path is answered with the endpoints', async (t) => {
  const api = new ApiFixture();
  const unknown = ['/apps/3', '/apps/3/', '/apps//events', '/apps/3/event', '/apps/3/events/', '/apps/3/channels/'];
  for (const path of [
    ...unknown,
    '/apps/3/channels/a/',
    '/apps/3/channels/a/users/',
    '/apps/3/channels/a/b',
    '/apps',
  ]) {
    const answer = await api.send(request('POST', path));
    t.equal(answer.status, 404, path);
    t.match(answer.body, /POST \/apps\/\{id\}\/events, .*GET \/apps\/\{id\}\/channels\/\{channel\}\/users/, path);
  }
});

t.test('a wrong method is answered with the right one', async (t) => {
  const api = new ApiFixture();
  for (const [path, method] of PATHS) {
    for (const wrong of ['GET', 'POST', 'PUT', 'DELETE', 'HEAD'].filter((other) => other !== method)) {
      const answer = await api.send(request(wrong, path));
      t.equal(answer.status, 405, `${wrong} ${path}`);
      t.equal(header(answer, 'allow'), `${method}, OPTIONS`);
    }
  }
});

t.test('an unknown app is a 404; unsigned requests are 401 on every endpoint', async (t) => {
  const api = new ApiFixture();
  for (const [path, method] of PATHS) {
    const elsewhere = path.replace('/3/', '/no-such/');
    const answer = await api.send(request(method, elsewhere, signedQuery(method, elsewhere)));
    t.match(answer, { status: 404, body: /There is no app 'no-such'/ }, elsewhere);
    t.match(await api.send(request(method, path)), { status: 401, body: /auth_key is missing/ }, path);
  }
  t.same(api.published, []);
  t.same(api.terminated, []);
});

t.test('the key of one app does not open another', async (t) => {
  const api = new ApiFixture([app(), app({ id: '4', key: 'other-key', secret: 'other-secret' })]);
  const query = signedQuery('POST', EVENTS, {}, EVENT, { key: 'other-key', secret: 'other-secret' });
  const answer = await api.send(request('POST', EVENTS, query, EVENT));
  t.match(answer, { status: 401, body: /'other-key' is not the key of app '3'/ });
});

t.test('a disabled app says so to its owner alone', async (t) => {
  const api = new ApiFixture([app({ enabled: false })]);
  t.match(await api.post('/events', EVENT), { status: 403, body: /disabled/ });
  t.equal((await api.send(request('POST', EVENTS, 'auth_key=x'))).status, 401);
  t.same(api.published, []);
});

t.test('a refusal leaves one line in the log, without the signature', async (t) => {
  const api = new ApiFixture();
  const query = signedQuery('POST', EVENTS, {}, EVENT, { key: 'stranger', secret: 's' });
  await api.send(request('POST', EVENTS, query, EVENT));
  t.match(api.log, [
    { level: 'info', fields: { ip: '203.0.113.9', method: 'POST', path: EVENTS, status: 401, reason: /auth_key/ } },
  ]);
  t.notMatch(JSON.stringify(api.log), /auth_signature|7ad3773142a6692b25b8/);
});

t.test('503 with Retry-After while the shared state is out of reach', async (t) => {
  const away = async (): Promise<never> => {
    throw new BrokerUnavailable('connect ECONNREFUSED');
  };
  const quotas: Quotas = { connect: away, disconnect: away, take: away };
  const api = new ApiFixture([app()], { quotas });
  const answers = [await api.post('/events', EVENT), await api.get('/channels'), await api.get('/channels/a')];
  const broken = new ApiFixture([app()], { terminate: away });
  broken.broker.publish = away;
  broken.broker.cached = away;
  answers.push(await broken.post('/events', EVENT), await broken.post('/batch_events', `{"batch":[${EVENT}]}`));
  answers.push(await broken.get('/channels/cache-a', { info: 'cache' }));
  answers.push(await broken.post('/users/7/terminate_connections', '{}'));
  for (const answer of answers) {
    t.equal(answer.status, 503);
    t.equal(header(answer, 'retry-after'), '1');
    t.notMatch(answer.body, /ECONNREFUSED/, 'the inside of the house is not shown');
  }
  t.equal(broken.log.filter(({ level }) => level === 'warn').length, 4);
});

t.test('info is counted before the event goes out, so that a 503 means it did not', async (t) => {
  const api = new ApiFixture();
  api.roster.counts = async () => {
    throw new BrokerUnavailable('away');
  };
  t.equal((await api.post('/events', EVENT.replace('}"', '}","info":"subscription_count"'))).status, 503);
  t.same(api.published, []);
});

t.test('what nobody expected is a 500, logged, and never thrown', async (t) => {
  const api = new ApiFixture([app()], {
    terminate: async () => {
      throw new TypeError('a secret detail');
    },
  });
  const answer = await api.post('/users/7/terminate_connections', '{}');
  t.equal(answer.status, 500);
  t.notMatch(answer.body, /secret detail/);
  t.match(api.log, [{ level: 'error', fields: { err: { message: 'a secret detail' } } }]);
});

t.test('CORS', async (t) => {
  const listed = app({ allowedOrigins: ['https://*.example.com'] });
  const ours = 'https://chat.example.com';
  const origin = (answer: HttpResponse): string | undefined => header(answer, 'access-control-allow-origin');
  const preflight = async (api: ApiFixture, from: string): Promise<HttpResponse> =>
    await api.send(request('OPTIONS', EVENTS, '', '', from));

  const open = new ApiFixture();
  const restricted = new ApiFixture([listed]);
  const allowed = await preflight(open, 'https://anyone.test');
  t.match(allowed, { status: 204, body: '' });
  t.equal(origin(allowed), '*');
  t.equal(header(allowed, 'access-control-allow-methods'), 'POST, OPTIONS');
  t.match(header(allowed, 'access-control-allow-headers'), /Content-Type/);
  t.equal(header(allowed, 'access-control-max-age'), '7200');
  t.equal(origin(await preflight(restricted, ours)), ours);
  const denied = await preflight(restricted, 'https://evil.test');
  t.match(denied, { status: 403, body: /'https:\/\/evil.test' is not among/ });
  t.equal(origin(denied), undefined);

  const sent = async (api: ApiFixture, from?: string, query = signedQuery('POST', EVENTS, {}, EVENT)) =>
    await api.send(request('POST', EVENTS, query, EVENT, from));
  t.equal(origin(await sent(open, ours)), '*');
  t.equal(origin(await sent(restricted, ours)), ours);
  t.equal(header(await sent(restricted, ours), 'vary'), 'Origin');
  t.equal(origin(await sent(restricted, 'https://evil.test')), undefined);
  t.equal(origin(await sent(open, ours, 'auth_key=x')), '*', 'a page may read the sentence of an error');
  t.same(await sent(open), { status: 200, body: '{}' }, 'a backend is not bothered with any of it');
  t.equal((await open.send(request('OPTIONS', '/apps/no-such/events', '', '', ours))).status, 404);
});

t.test('a name that nothing can have is refused before its signature is looked at', async (t) => {
  const api = new ApiFixture();
  const { limits } = app();
  const longest = limits.maxChannelNameLength + limits.maxUserIdLength;
  for (const [method, path] of [
    ['GET', '/apps/3/channels/{}'],
    ['GET', '/apps/3/channels/{}/users'],
    ['POST', '/apps/3/users/{}/revoke_tokens'],
  ] as const) {
    const send = (length: number) => api.send(request(method, path.replace('{}', '%41'.repeat(length))));
    t.match(await send(longest + 1), { status: 400, body: /is \d+ characters long/ }, path);
    t.match(await send(longest), { status: 401 }, path);
  }
});
