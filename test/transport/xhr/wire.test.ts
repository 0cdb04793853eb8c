import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import t, { type Test } from 'tap';
import { type HttpTransport, HttpWire, type HttpWireOptions, randomSession } from '../../support/http-wire.ts';
import { unique } from '../../support/names.ts';
import { SignedApi, send } from '../../support/signed-api.ts';
import { APP, startFanfare, type Target } from '../../support/target.ts';
import { until, within } from '../../support/wait.ts';

const target = await startFanfare(t, {
  apps: [APP, { ...APP, id: 'named', key: 'named-key', allowedOrigins: ['https://chat.example.com'] }],
  connections: { pingIntervalSeconds: 1, pongTimeoutSeconds: 2 },
});
const api = new SignedApi(target);
const QUERY = 'protocol=7&client=js&version=8.6.0';
const TRANSPORTS: readonly HttpTransport[] = ['xhr_streaming', 'xhr_polling'];

function open(
  t: Test,
  transport: HttpTransport,
  options: Partial<HttpWireOptions> = {},
  to: Target = target,
): HttpWire {
  const wire = new HttpWire({ url: `${to.origin}/pusher/app/${to.key}?${QUERY}`, transport, ...options });
  wire.on('error', () => undefined);
  t.teardown(() => wire.close());
  return wire;
}

/** One request, as pusher-js sends it. */
function request(session: string, call: string, n: number, body = '', headers: Record<string, string> = {}) {
  const path = `/pusher/app/${target.key}/${session}/${call}?${call === 'xhr_send' ? '' : `${QUERY}&`}t=1&n=${n}`;
  return send(target.origin, 'POST', path, { 'Content-Type': 'application/json', ...headers }, body);
}

/** A response as it comes. */
function receive(session: string, call: string, n: number): { text: string; abort(): void } {
  const url = `${target.origin}/pusher/app/${target.key}/${session}/${call}?${QUERY}&t=1&n=${n}`;
  const outgoing = httpRequest(url, { method: 'POST' }, (response) => {
    response.setEncoding('utf8');
    response.on('error', () => undefined);
    response.on('data', (chunk: string) => {
      received.text += chunk;
    });
  });
  const received = { text: '', abort: () => outgoing.destroy() };
  outgoing.on('error', () => undefined);
  outgoing.end();
  return received;
}

const subscribe = (channel: string) =>
  JSON.stringify([JSON.stringify({ event: 'pusher:subscribe', data: { channel, auth: '' } })]);

async function established(wire: HttpWire): Promise<void> {
  await until(() => wire.lines.some((line) => line.includes('connection_established')), 'connection_established');
}

async function isSubscribed(wire: HttpWire, channel: string): Promise<void> {
  wire.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel, auth: '' } }));
  await until(() => wire.lines.some((line) => line.includes('subscription_succeeded')), 'the subscription');
}

for (const transport of TRANSPORTS) {
  t.test(`${transport}: o comes first and once, then connection_established`, async (t) => {
    const wire = open(t, transport);
    await established(wire);
    t.equal(wire.lines[0], 'o');
    t.match(wire.lines[1], /^a\["\{\\"event\\":\\"pusher:connection_established\\"/);
    await isSubscribed(wire, unique('c'));
    t.equal(wire.lines.filter((line) => line.startsWith('o')).length, 1);
  });

  t.test(`${transport}: a refusal follows o: the error, then c with its code`, async (t) => {
    const wire = open(t, transport, {}, { ...target, key: 'no-such-key' });
    const [code] = (await within(once(wire, 'close'), 'the close')) as [number];
    t.equal(code, 4001);
    t.strictSame(
      wire.lines.map((line) => line[0]),
      ['o', 'a', 'c'],
    );
  });

  t.test(`${transport}: an empty send is answered with a pong, and never with a heartbeat`, async (t) => {
    const session = randomSession();
    const wire = open(t, transport, { session, answersHeartbeats: false });
    await established(wire);
    t.equal((await request(session, 'xhr_send', 9_000_000, '[]')).status, 204);
    await until(() => wire.lines.some((line) => line.includes('pusher:pong')), 'the pong');
  });

  t.test(`${transport}: a silent client gets heartbeats, and stays for as long as it answers them`, async (t) => {
    const wire = open(t, transport);
    await established(wire);
    await until(() => wire.lines.filter((line) => line === 'h').length >= 2, 'two heartbeats');
    t.equal(wire.readyState, 1);
    t.notOk(
      wire.lines.some((line) => line.includes('pong')),
      'an answer to a heartbeat is not answered',
    );
  });

  t.test(`${transport}: 2 MB while the client asks again and again: in order, without a hole`, async (t) => {
    const wire = open(t, transport);
    const channel = unique('c');
    await isSubscribed(wire, channel);
    const numbers: number[] = [];
    wire.on('message', (text: string) => {
      const { event, data } = JSON.parse(text) as { event: string; data: string };
      if (event === 'n') numbers.push((JSON.parse(data) as { n: number }).n);
    });
    for (let n = 0; n < 200; n += 10) {
      const batch = Array.from({ length: 10 }, (_, i) => ({
        ...{ channel, name: 'n' },
        data: JSON.stringify({ n: n + i, text: 'ż'.repeat(5 * 1024) }),
      }));
      await api.post('/batch_events', { batch });
    }
    await until(() => numbers.length >= 200, 'all events', 10_000);
    t.strictSame(
      numbers,
      Array.from({ length: 200 }, (_, i) => i),
    );
    t.ok(wire.receives > 3, `${wire.receives} requests`);
  });
}

t.test('streaming: nothing is written behind the line at which pusher-js gives the response up', async (t) => {
  const session = randomSession();
  const wire = open(t, 'xhr_streaming', { session });
  const channel = unique('c');
  await isSubscribed(wire, channel);
  const response = receive(session, 'xhr_streaming', 99);
  t.teardown(() => response.abort());
  for (let n = 0; n < 12; n += 1) await api.trigger(channel, 'n', 'x'.repeat(50 * 1024));
  await until(() => response.text.length > 256 * 1024 && response.text.endsWith('\n'), 'a response that is too long');
  const { text } = response;
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.equal(response.text, text, 'nothing more comes');
  t.ok(text.length < 256 * 1024 + 52 * 1024, `${text.length} characters`);
});

t.test('the headers: text in UTF-8 that nobody gathers, changes or keeps', async (t) => {
  const answer = await request(randomSession(), 'xhr', 1);
  t.match(answer.headers, {
    'content-type': 'application/javascript; charset=UTF-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
  });
});

t.test('polling: o and what follows it may share a response; a poll without news waits', async (t) => {
  const session = randomSession();
  const first = await request(session, 'xhr', 1);
  t.equal(first.status, 200);
  t.match(first.text, /^o\n/);
  const [second, third] = [request(session, 'xhr', 2), request(session, 'xhr_send', 3, subscribe(unique('c')))];
  t.equal((await third).status, 204);
  t.match((await second).text, /subscription_succeeded|connection_established/);
});

t.test('a poll that another takes the place of is answered 409, and the newer one goes on', async (t) => {
  const session = randomSession();
  const channel = unique('c');
  await request(session, 'xhr', 1);
  await request(session, 'xhr_send', 2, subscribe(channel));
  await until(async () => (await request(session, 'xhr', 3)).text.includes('subscription_succeeded'), 'subscribed');
  const older = request(session, 'xhr', 4);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const newer = request(session, 'xhr', 5);
  t.equal((await within(older, 'the older')).status, 409);
  await api.trigger(channel, 'e', '{}');
  t.match((await within(newer, 'the newer')).text, /\\"event\\":\\"e\\"/);
});

t.test('streaming: a second receiver takes the place of the first, without o', async (t) => {
  const session = randomSession();
  const wire = open(t, 'xhr_streaming', { session });
  const channel = unique('c');
  await isSubscribed(wire, channel);
  const closed = once(wire, 'close');
  const newer = request(session, 'xhr', 99);
  await within(closed, 'the end of the first');
  await api.trigger(channel, 'e', '{}');
  const { text } = await newer;
  t.match(text, /\\"event\\":\\"e\\"/);
  t.notMatch(text, /^o/m);
});

t.test('a receiver that breaks off and comes back at once loses nothing', async (t) => {
  const session = randomSession();
  const channel = unique('c');
  await request(session, 'xhr', 1);
  await request(session, 'xhr_send', 2, subscribe(channel));
  await until(async () => (await request(session, 'xhr', 3)).text.includes('subscription_succeeded'), 'subscribed');
  const waiting = receive(session, 'xhr', 4);
  await new Promise((resolve) => setTimeout(resolve, 50));
  waiting.abort();
  await api.trigger(channel, 'e', '{}');
  const { text } = await request(session, 'xhr', 5);
  t.match(text, /\\"event\\":\\"e\\"/);
  t.notMatch(text, /^o/m);
});

t.test('a poll that nothing comes for is answered with a heartbeat, and the session goes on', async (t) => {
  const short = await startFanfare(t, { fallback: { pollSeconds: 1 } });
  const wire = open(t, 'xhr_polling', {}, short);
  await established(wire);
  const sinceMs = performance.now();
  await until(() => wire.lines.filter((line) => line === 'h').length === 2, 'two heartbeats');
  t.ok(performance.now() - sinceMs > 1500, 'a second each');
  await isSubscribed(wire, unique('c'));
  t.ok(wire.receives < 10, `${wire.receives} polls`);
});

t.test('a session that is not known here gets a fresh o', async (t) => {
  t.match((await request(randomSession(), 'xhr', 77)).text, /^o\n/);
  const lost = await request(randomSession(), 'xhr_send', 78, '[]');
  t.equal(lost.status, 404);
  t.match(lost.text, /no such session of yours/);
});

t.test('other methods', async (t) => {
  const path = `/pusher/app/${target.key}/${randomSession()}/xhr`;
  const answer = await send(target.origin, 'GET', path);
  t.equal(answer.status, 405);
  t.equal(answer.headers.allow, 'POST, OPTIONS');
});

t.test('CORS: by the origins of the app, and a preflight that lasts', async (t) => {
  const ask = (key: string, origin: string, method = 'OPTIONS') =>
    send(target.origin, method, `/pusher/app/${key}/${randomSession()}/xhr?${QUERY}&n=1`, { Origin: origin });
  for (const method of ['OPTIONS', 'POST']) {
    const any = await ask('app-key', 'https://any.example', method);
    t.equal(any.headers['access-control-allow-origin'], '*');
    const named = await ask('named-key', 'https://chat.example.com', method);
    t.match(named.headers, { 'access-control-allow-origin': 'https://chat.example.com', vary: 'Origin' });
    const foreign = await ask('named-key', 'https://evil.example', method);
    t.notOk('access-control-allow-origin' in foreign.headers);
    if (method === 'POST') t.match(foreign.text, /"?4009/, 'and the session is refused');
  }
  const { status, headers } = await ask('app-key', 'https://any.example');
  t.equal(status, 204);
  t.match(headers, {
    'access-control-allow-methods': 'POST, OPTIONS',
    'access-control-allow-headers': 'Content-Type',
    'access-control-max-age': '86400',
  });
  const sent = await send(
    target.origin,
    'POST',
    `/pusher/app/named-key/${randomSession()}/xhr_send`,
    { Origin: 'https://chat.example.com' },
    '[]',
  );
  t.equal(sent.headers['access-control-allow-origin'], 'https://chat.example.com');
});

t.test('SockJS is told at once, readably from any page, that it is not spoken', async (t) => {
  for (const path of ['/pusher/info', '/pusher/123/abcdefgh/xhr_streaming']) {
    const answer = await send(target.origin, path.endsWith('info') ? 'GET' : 'POST', path, {
      Origin: 'https://a.example',
    });
    t.equal(answer.status, 404);
    t.equal(answer.headers['access-control-allow-origin'], '*');
    t.match(answer.text, /SockJS is not spoken here/);
  }
});

t.test('a hostname of its own, for balancers that cannot route by the path', async (t) => {
  const named = await startFanfare(t, { fallback: { hostname: 'node-1.example.com' } });
  const path = `/pusher/app/${named.key}/${randomSession()}/xhr?${QUERY}`;
  t.match((await send(named.origin, 'POST', path)).text, /^o\{"hostname":"node-1.example.com"\}\n/);
});

t.test('turned off, it is not there', async (t) => {
  const without = await startFanfare(t, { fallback: { enabled: false } });
  const path = `/pusher/app/${without.key}/${randomSession()}/xhr?${QUERY}`;
  t.equal((await send(without.origin, 'POST', path)).status, 404);
});
