import type { PresenceChannel } from 'pusher-js';
import t from 'tap';
import type { Output } from '../../../src/transport/xhr/output.ts';
import { RelayedOutput, type RelayedPart, RelayedResponse } from '../../../src/transport/xhr/relay.ts';
import { randomSession } from '../../support/http-wire.ts';
import { unique } from '../../support/names.ts';
import { clientOptions, emitted, Pusher } from '../../support/pusher-client.ts';
import { RawClient } from '../../support/raw-client.ts';
import { startRedis } from '../../support/redis-server.ts';
import { startRoundRobin } from '../../support/round-robin.ts';
import { SignedApi, send } from '../../support/signed-api.ts';
import { APP, startFanfare } from '../../support/target.ts';
import { startLogged } from '../../support/transport.ts';
import { until } from '../../support/wait.ts';

/** Two nodes behind a balancer that sends each request to the other one than the last. */
const redis = await startRedis();
t.teardown(() => redis.stop());
const settings = { apps: [{ ...APP, clientEvents: true }], redis: { url: redis.url }, fallback: { pollSeconds: 1 } };
const [one, two] = await Promise.all([startFanfare(t, settings), startLogged(t, settings)]);
const nodes = [one.port, two.port];
const api = new SignedApi(one);
for (const port of nodes) {
  await until(async () => (await send(`http://127.0.0.1:${port}`, 'GET', '/ready')).status === 200, 'it is ready');
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

for (const transport of ['xhr_streaming', 'xhr_polling'] as const) {
  t.test(`${transport}: every request at another node, and nothing is lost`, async (t) => {
    const balancer = await startRoundRobin(t, nodes);
    const target = { ...one, origin: balancer.origin, transport };
    const pusher = new Pusher(APP.key, clientOptions(target, { id: 'ada' }));
    t.teardown(() => pusher.disconnect());
    let connected = 0;
    pusher.connection.bind('connected', () => {
      connected += 1;
    });
    await emitted(pusher.connection, 'connected', 10_000);
    const channel = `presence-${unique('c')}`;
    const joined = pusher.subscribe(channel) as PresenceChannel;
    await emitted(joined, 'pusher:subscription_succeeded');
    t.equal(joined.members.count, 1);

    const other = await RawClient.connect(t, one);
    await other.subscribe(channel, '{"user_id":"grace"}');
    for (const n of range(10)) joined.trigger('client-n', { n });
    await other.next((frame) => frame.data === '{"n":9}');
    const told = other.frames.filter(({ event }) => event === 'client-n').map(({ data }) => String(data));
    t.strictSame(
      told,
      range(10).map((n) => `{"n":${n}}`),
      'what the client sends, in order',
    );

    const numbers: number[] = [];
    joined.bind('n', ({ n }: { n: number }) => numbers.push(n));
    const text = 'x'.repeat(9000);
    for (const n of range(80)) await api.trigger(channel, 'n', JSON.stringify({ n, text }));
    await until(() => numbers.length === 80, `all events: ${numbers.length}`, 10_000);
    t.strictSame(numbers, range(80), 'more than fits into one response, in order and without a hole');
    t.equal(connected, 1, 'and the connection was one all the time');
    // A poll for each event, a send for each message, and what it took to join.
    t.ok(balancer.requests.length < 250, `${balancer.requests.length} requests`);

    const before = balancer.requests.length;
    const idle = emitted(pusher.connection, 'connected', 1600).then(
      () => 'connected again',
      () => 'went on',
    );
    t.equal(await idle, 'went on', 'idle for a while, with heartbeats of either kind');
    t.ok(balancer.requests.length - before < 10, `${balancer.requests.length - before} requests while idle`);
  });

  t.test(`${transport}: the node that has the session goes away`, async (t) => {
    const gone = await startFanfare(t, settings);
    await until(async () => (await send(gone.origin, 'GET', '/ready')).status === 200, 'it is ready');
    const balancer = await startRoundRobin(t, [gone.port]);
    const target = { ...one, origin: balancer.origin, transport };
    const pusher = new Pusher(APP.key, clientOptions(target));
    t.teardown(() => pusher.disconnect());
    await emitted(pusher.connection, 'connected', 10_000);
    const channel = unique('c');
    const joined = pusher.subscribe(channel);
    await emitted(joined, 'pusher:subscription_succeeded');
    balancer.ports = [...nodes, gone.port];
    const again = emitted(joined, 'pusher:subscription_succeeded', 15_000);
    const sinceMs = performance.now();
    await gone.stop();
    balancer.ports = nodes;
    await again;
    const event = emitted(joined, 'e');
    await api.trigger(channel, 'e', '{"after":true}');
    t.strictSame(await event, { after: true });
    const since = balancer.requests.filter(({ atMs }) => atMs >= sinceMs);
    const perSecond = (since.length * 1000) / (performance.now() - sinceMs);
    t.ok(since.length < 15 || perSecond < 10, `${since.length} requests, ${perSecond.toFixed(1)} a second`);
  });
}

t.test('a session that no node has: a fresh one, and 404 for what is sent to it', async (t) => {
  const query = 'protocol=7&client=js&version=8.6.0&t=1&n=7';
  const path = `/pusher/app/${APP.key}/${randomSession()}`;
  t.match((await send(one.origin, 'POST', `${path}/xhr?${query}`)).text, /^o\n/);
  const lost = await send(one.origin, 'POST', `/pusher/app/${APP.key}/${randomSession()}/xhr_send`, {}, '[]');
  t.equal(lost.status, 404);
});

t.test('sends by way of another node are no guesses, but guesses by way of it are', async (t) => {
  const query = 'protocol=7&client=js&version=8.6.0&t=1&n=';
  const path = `/pusher/app/${APP.key}/${randomSession()}`;
  const twoOrigin = two.target.origin;
  t.match((await send(one.origin, 'POST', `${path}/xhr?${query}1`)).text, /^o\n/);
  for (const n of range(60)) {
    const { status } = await send(twoOrigin, 'POST', `${path}/xhr_send?t=1&n=${n + 2}`, {}, '[]');
    if (status !== 204) t.fail(`send ${n} was answered ${status}`);
  }
  const refused = await send(twoOrigin, 'POST', `${path}/xhr_send?t=1&n=99`, {}, '{}');
  t.equal(refused.status, 400, 'what is wrong with it is said there too');
  const tried: number[] = [];
  for (const n of range(40)) {
    const headers = { 'User-Agent': 'a stranger' };
    tried.push((await send(twoOrigin, 'POST', `${path}/xhr_send?t=1&n=${n}`, headers, '[]')).status);
  }
  t.strictSame([...new Set(tried)], [404, 429]);
});

t.test('the log says once that requests are routed badly', async (t) => {
  const lines = two.log.filter(({ msg }) => String(msg).includes('route them by the session'));
  t.equal(lines.length, 1);
});

t.test('a part of a response that is missing cuts the client off', async (t) => {
  const done: string[] = [];
  const output: Output = {
    begin: () => undefined,
    write: (bytes) => done.push(`write ${bytes}`) > 0,
    end: (bytes) => done.push(`end ${bytes ?? ''}`),
    refuse: (status) => done.push(`refuse ${status}`),
    cut: () => done.push('cut'),
  };
  const parts: RelayedPart[] = [];
  const sender = new RelayedOutput((part) => parts.push(part));
  for (const line of ['a', 'b', 'c']) sender.write(Buffer.from(line));
  sender.end();
  const [first, , third, end] = parts as [RelayedPart, RelayedPart, RelayedPart, RelayedPart];
  const whole = new RelayedResponse(output);
  t.strictSame(
    parts.map((part) => whole.take(part)),
    [true, true, true, true],
  );
  t.strictSame(done.splice(0), ['write a', 'write b', 'write c', 'end ']);
  const holed = new RelayedResponse(output);
  t.ok(holed.take(first));
  t.notOk(holed.take(third), 'who sends it is told that the client has gone');
  t.ok(holed.take(end));
  t.ok(holed.isOver);
  t.strictSame(done, ['write a', 'cut']);
});
