import { once } from 'node:events';
import { request } from 'node:https';
import t from 'tap';
import { WebSocket } from 'ws';
import { connectPusher, emitted } from '../support/pusher-client.ts';
import { RawClient } from '../support/raw-client.ts';
import { openDeployment } from '../support/scenarios/deployment.ts';
import { SignedApi, send } from '../support/signed-api.ts';
import { until, within } from '../support/wait.ts';

const deployment = await openDeployment(t, { env: { FANFARE_TRUSTED_PROXIES: '127.0.0.1' } });
const { target, nginx } = deployment;
const api = new SignedApi(target);

t.test('a stock client over TLS gets what a backend posts, whatever wsPath it chooses', async (t) => {
  for (const wsPath of ['', '/ws', '/resume/abcdefghijklmnopqrstuvwxyz']) {
    const pusher = await connectPusher(t, target, { wsPath });
    const channel = pusher.subscribe(`news${wsPath.length}`);
    await emitted(channel, 'pusher:subscription_succeeded');
    const arrival = emitted(channel, 'headline');
    await api.trigger(channel.name, 'headline', '{"text":"żółw"}');
    t.strictSame(await arrival, { text: 'żółw' }, `wsPath '${wsPath}'`);
  }
});

t.test('http leads to https', async (t) => {
  const answer = await send(`http://127.0.0.1:${nginx.httpPort}`, 'GET', '/app/x?y=1');
  t.equal(answer.status, 301);
  t.equal(answer.headers.location, 'https://127.0.0.1/app/x?y=1');
});

t.test('the nodes see the address of the client, not that of nginx and not what the client claims', async (t) => {
  const socket = new WebSocket(`${target.wsOrigin}/app/wrong-key?protocol=7`, {
    localAddress: '127.0.0.77',
    headers: { 'X-Forwarded-For': '203.0.113.9' },
    rejectUnauthorized: false,
  });
  t.teardown(() => socket.terminate());
  const [code] = await within(once(socket, 'close'), 'the refusal');
  t.equal(code, 4001, 'the code passes through nginx');
  const refusals = () => deployment.log().filter(({ msg }) => msg === 'connection refused');
  await until(() => refusals().length > 0, 'the log line of the refusal');
  t.strictSame(
    refusals().map(({ ip }) => ip),
    ['127.0.0.77'],
  );
});

t.test('an event that is too large gets the sentence of Fanfare, not a bare 413 of nginx', async (t) => {
  const big = await api.post('/events', { name: 'e', channels: ['c'], data: 'x'.repeat(200 * 1024) });
  t.equal(big.status, 413);
  t.match(big.text, /content of this event exceeds the allowed maximum/);
  const batch = Array.from({ length: 10 }, () => ({ channel: 'c', name: 'e', data: 'x'.repeat(100 * 1024) }));
  t.equal((await api.post('/batch_events', { batch })).status, 200, 'a full batch of full events passes');
});

t.test('a large frame comes at once and whole', async (t) => {
  const client = await RawClient.connect(t, target);
  await client.subscribe('large');
  await api.trigger('large', 'e', 'y'.repeat(100 * 1024));
  const frame = await client.next('e');
  t.equal(String(frame.data).length, 100 * 1024);
});

t.test("the log of nginx holds no signature and no session's token", async (t) => {
  const token = 'secret-token-of-a-session-0123456789';
  const client = await RawClient.connect(t, target, { path: `/resume/${token}/app/${target.key}?protocol=7` });
  await client.close();
  await until(() => /\/resume\/secr\.\.\.\/app\//.test(nginx.accessLog()), 'the masked path in the access log');
  t.notMatch(nginx.accessLog(), new RegExp(token.slice(5)));
  t.notMatch(nginx.accessLog(), /auth_signature/);
});

t.test('what stood there before: Socket.IO is gone, and told so', async (t) => {
  t.equal((await send(target.origin, 'GET', '/socket.io/?EIO=4&transport=polling')).status, 410);
});

t.test('/ready passes through', async (t) => {
  t.equal((await send(target.origin, 'GET', '/ready')).status, 200);
});

t.test('authorization is limited by address, with a 429, and nothing else is', async (t) => {
  const statuses = await Promise.all(Array.from({ length: 400 }, () => authorize()));
  t.ok(statuses.includes(429), 'over the burst: 429');
  t.ok(statuses.filter((status) => status !== 429).length >= 200, 'the burst itself is answered');
  t.equal((await send(target.origin, 'GET', '/ready')).status, 200);
});

/** From an address of its own, so that no other test is over the limit. */
function authorize(): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(target.origin);
    const outgoing = request(
      {
        ...{ hostname, port, method: 'POST', path: '/broadcasting/auth', localAddress: '127.0.0.78' },
        headers: { 'Content-Type': 'application/json' },
        rejectUnauthorized: false,
      },
      (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
      },
    );
    outgoing.once('error', reject);
    outgoing.end('{}');
  });
}
