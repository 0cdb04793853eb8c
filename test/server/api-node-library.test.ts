import PusherServer from 'pusher';
import t from 'tap';
import { unique } from '../support/names.ts';
import { decoded, on, RawClient } from '../support/raw-client.ts';
import { SignedApi, send } from '../support/signed-api.ts';
import { APP, startFanfare, type Target } from '../support/target.ts';
import { within } from '../support/wait.ts';

/**
 * The Node library against settings of Fanfare's own; what it does on any server of the protocol is in
 * test/conformance/node-library.test.ts.
 */
function library(target: Target, changes: { secret?: string } = {}): PusherServer {
  const { hostname, port } = new URL(target.origin);
  const { appId, key, secret } = target;
  return new PusherServer({ appId, key, secret, host: hostname, port, useTLS: false, ...changes });
}

/** The library's error, by what matters of it. */
async function failure(answer: Promise<unknown>): Promise<{ status: unknown; body: unknown }> {
  try {
    await answer;
  } catch (error) {
    if (error instanceof PusherServer.RequestError) return { status: error.status, body: error.body };
    throw error;
  }
  throw new Error('the call was not refused');
}

const json = async (answer: Promise<{ json(): Promise<unknown> }>): Promise<unknown> => await (await answer).json();

t.test('every call of the library', async (t) => {
  const target = await startFanfare(t);
  const server = library(target);
  const room = `presence-${unique('r')}`;
  const cache = `cache-${unique('c')}`;
  const client = await RawClient.connect(t, target);
  const signed = server.authorizeChannel(client.socketId, room, { user_id: '7' });
  await client.subscribe(room, signed.channel_data, signed.auth);

  t.strictSame(await json(server.trigger(room, 'e', { a: 1 })), {});
  t.equal((await client.next(on(room, 'e'))).data, '{"a":1}');
  const attributes = 'user_count,subscription_count';
  t.strictSame(await json(server.trigger([room, cache], 'e', 'text', { info: attributes })), {
    channels: { [room]: { user_count: 1, subscription_count: 1 }, [cache]: { subscription_count: 0 } },
  });
  const batch = [
    { channel: room, name: 'b', data: 1 },
    { channel: cache, name: 'b', data: 'kept' },
  ];
  t.strictSame(await json(server.triggerBatch(batch)), {});

  const get = async (path: string, params = {}): Promise<unknown> => await json(server.get({ path, params }));
  t.strictSame(await get('/channels'), { channels: { [room]: {} } });
  t.strictSame(await get('/channels', { filter_by_prefix: 'presence-', info: attributes }), {
    channels: { [room]: { user_count: 1, subscription_count: 1 } },
  });
  t.strictSame(await get('/channels', { filter_by_prefix: 'none+such' }), { channels: {} }, 'a plus stays a plus');
  t.strictSame(await get(`/channels/${cache}`, { info: 'cache' }), {
    occupied: false,
    cache: { data: 'kept', ttl: 1800 },
  });
  t.strictSame(await get(`/channels/${room}/users`), { users: [{ id: '7' }] });

  for (const id of ['7', 'Jörg Ä/b', '50%']) {
    const user = await RawClient.connect(t, target);
    user.send({ event: 'pusher:signin', data: server.authenticateUser(user.socketId, { id }) });
    await user.next('pusher:signin_success');
    await user.subscribe(`#server-to-user-${id}`);
    t.strictSame(await json(server.sendToUser(id, 'note', { n: 1 })), {}, `sendToUser ${id}`);
    t.strictSame(decoded(await user.next('note')), { n: 1 });
    t.strictSame(await json(server.terminateUserConnections(id)), {}, `terminateUserConnections ${id}`);
    t.equal((await within(user.closed, 'the close')).code, 4009);
  }
});

t.test('its errors carry the status and the sentence', async (t) => {
  const target = await startFanfare(t, { apps: [{ ...APP, limits: { maxEventBytes: 10_240, triggersPerSecond: 2 } }] });
  const server = library(target);
  t.match(await failure(library(target, { secret: 'wrong' }).trigger('a', 'e', {})), {
    status: 401,
    body: /^Invalid signature: you should have sent HmacSHA256Hex\("POST\\n\/apps\/app-id\/events\\nauth_key=app-key&/,
  });
  t.match(await failure(server.get({ path: '/channels/a/users' })), { status: 400, body: /presence channels only/ });
  t.match(await failure(server.get({ path: '/nothing' })), { status: 404, body: /the endpoints are POST/ });
  t.match(await failure(server.get({ path: '/events' })), { status: 405, body: /send a POST/ });
  t.match(await failure(server.trigger('a', 'e', 'x'.repeat(10_241))), {
    status: 413,
    body: 'The data content of this event exceeds the allowed maximum (10240 bytes)',
  });
  const eleven = Array.from({ length: 11 }, () => ({ channel: 'a', name: 'e', data: '' }));
  t.match(await failure(server.triggerBatch(eleven)), { status: 400, body: /^Batch too large/ });
  const two = () => failure(server.triggerBatch(eleven.slice(0, 2)));
  // Three in a row cannot all have come in a second of their own.
  const answers = await Promise.allSettled([two(), two(), two()]);
  const refused = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  t.match(refused[0], { status: 429, body: /limit of 2 events a second/ });
});

t.test('a disabled app', async (t) => {
  const server = library(await startFanfare(t, { apps: [{ ...APP, enabled: false }] }));
  t.match(await failure(server.trigger('a', 'e', {})), { status: 403, body: /disabled/ });
});

t.test('behind a path prefix, signed with it or without', async (t) => {
  const target = await startFanfare(t, { pathPrefix: '/fanfare' });
  const api = new SignedApi(target);
  const path = `/apps/${target.appId}/channels`;
  const prefixed = `/fanfare${path}`;
  t.strictSame((await api.request({ path: prefixed })).json, { channels: {} }, 'PHP signs the path that it is told');
  t.strictSame((await api.request({ path, sentPath: prefixed })).json, { channels: {} });
  t.equal((await api.request({ path: `/other${path}`, sentPath: prefixed })).status, 401);
});

t.test('what no library does but browsers and Python do', async (t) => {
  const target = await startFanfare(t, { apps: [{ ...APP, allowedOrigins: ['https://a.test'] }] });
  const api = new SignedApi(target);
  const events = `/apps/${target.appId}/events`;
  const preflight = await send(target.origin, 'OPTIONS', events, { Origin: 'https://a.test' });
  t.equal(preflight.status, 204);
  t.equal(preflight.headers['access-control-allow-origin'], 'https://a.test');
  t.equal(preflight.headers['access-control-allow-methods'], 'POST, OPTIONS');
  const body = '{"name":"e","channel":"a","data":"{}"}';
  const call = { method: 'POST', path: events, body } as const;
  const allowed = await api.request({ ...call, headers: { Origin: 'https://a.test' } });
  t.equal(allowed.headers['access-control-allow-origin'], 'https://a.test');
  t.match(allowed.headers['content-type'], /^application\/json/);
  const foreign = await api.request({ ...call, headers: { Origin: 'https://b.test' } });
  t.equal(foreign.headers['access-control-allow-origin'], undefined);
  const wrong = await api.request({ ...call, secret: 'wrong' });
  t.match(wrong.headers['content-type'], /^text\/plain/);

  const python = await api.request({ method: 'POST', path: '/users/7/terminate_connections', body: '{}' });
  t.strictSame([python.status, python.json], [200, {}]);
});
