import { once } from 'node:events';
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { type HttpTransport, HttpWire, type HttpWireOptions, randomSession } from '../support/http-wire.ts';
import { unique } from '../support/names.ts';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi, send } from '../support/signed-api.ts';
import { channelAuth } from '../support/signing.ts';
import { type StartedFanfare, startFanfare } from '../support/target.ts';
import { until, within } from '../support/wait.ts';

/** What a stranger could make grow, wait or repeat by the HTTP transports of pusher-js. */
const QUERY = 'protocol=7&client=js&version=8.6.0';
const PADDING = 'x'.repeat(50_000);

function open(t: Test, target: StartedFanfare, options: Partial<HttpWireOptions> = {}): HttpWire {
  const transport: HttpTransport = options.transport ?? 'xhr_streaming';
  const wire = new HttpWire({ url: `${target.origin}/pusher/app/${target.key}?${QUERY}`, ...options, transport });
  wire.on('error', () => undefined);
  t.teardown(() => wire.close());
  return wire;
}

async function said(wire: HttpWire, what: string): Promise<void> {
  await until(() => wire.lines.some((line) => line.includes(what)), `${what}; it said ${wire.lines.join(' | ')}`);
}

async function subscribed(wire: HttpWire, channel: string): Promise<void> {
  wire.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel, auth: '' } }));
  await said(wire, 'subscription_succeeded');
}

function post(target: StartedFanfare, session: string, call: string, n: number, body = '', headers = {}) {
  const path = `/pusher/app/${target.key}/${session}/${call}?${call === 'xhr_send' ? '' : `${QUERY}&`}t=1&n=${n}`;
  return send(target.origin, 'POST', path, { 'Content-Type': 'application/json', ...headers }, body);
}

const clientEvent = (channel: string, n: number) =>
  JSON.stringify([JSON.stringify({ event: 'client-n', channel, data: { n } })]);

t.test('sessions are bounded in number, of one address and of all, before anyone asks who they are', async (t) => {
  for (const [bound, words] of [
    ['maxSessions', /this node has reached its limit of HTTP sessions/],
    ['maxSessionsPerIp', /too many HTTP sessions from this address/],
  ] as const) {
    const target = await startFanfare(t, { fallback: { [bound]: 3 } });
    for (let i = 0; i < 3; i += 1) await said(open(t, target), 'connection_established');
    const refused = await post(target, randomSession(), 'xhr', 1);
    t.match(refused.text, /^o\na\[.*4100.*\]\nc\[4100,/, 'o, the error, and a close on which a client waits');
    t.match(refused.text, words);
  }
});

t.test('a session that is opened and abandoned is gone within seconds, and another has its place', async (t) => {
  const target = await startFanfare(t, { fallback: { maxSessions: 1, gapSeconds: 1 } });
  const channel = unique('c');
  const api = new SignedApi(target);
  const occupied = async () => ((await api.get(`/channels/${channel}`)).json as { occupied: boolean }).occupied;
  for (const transport of ['xhr_streaming', 'xhr_polling'] as const) {
    const wire = open(t, target, { transport });
    await subscribed(wire, channel);
    t.ok(await occupied());
    wire.close();
    await until(async () => !(await occupied()), 'the channel is vacated');
  }
  const session = randomSession();
  t.match((await post(target, session, 'xhr', 1)).text, /^o\n/, 'a poll that is answered, and no other follows');
  await until(async () => !(await post(target, randomSession(), 'xhr', 1)).text.includes('4100'), 'its place');
});

t.test('ids are not to be guessed: beyond a few tries even the right one is refused', async (t) => {
  const target = await startFanfare(t);
  const session = randomSession();
  const channel = `private-${unique('c')}`;
  const victim = open(t, target, { session, headers: { 'User-Agent': 'a browser', Origin: 'https://a.example' } });
  await said(victim, 'connection_established');
  const stranger = { 'User-Agent': 'another', Origin: 'https://a.example' };
  const tried: number[] = [];
  for (let i = 0; i < 40; i += 1) {
    tried.push((await post(target, randomSession(), 'xhr_send', i, '[]', stranger)).status);
  }
  t.strictSame([...new Set(tried)], [404, 429]);
  t.equal((await post(target, session, 'xhr_send', 1, clientEvent(channel, 1), stranger)).status, 429);
  t.equal((await post(target, session, 'xhr', 2, '', stranger)).status, 429, 'nor can its lines be taken');
  victim.send(JSON.stringify({ event: 'pusher:ping', data: {} }));
  await said(victim, 'pusher:pong');
  t.equal(victim.readyState, 1, 'whom it belongs to goes on, from the same address');
});

t.test('the right id from another page or program is no key', async (t) => {
  const target = await startFanfare(t);
  const session = randomSession();
  const victim = open(t, target, { session, headers: { 'User-Agent': 'a browser', Origin: 'https://a.example' } });
  await said(victim, 'connection_established');
  for (const headers of [
    { 'User-Agent': 'another', Origin: 'https://a.example' },
    { 'User-Agent': 'a browser', Origin: 'https://b.example' },
    { 'User-Agent': 'a browser' },
  ]) {
    t.equal((await post(target, session, 'xhr_send', 1, '[]', headers)).status, 404);
    t.equal((await post(target, session, 'xhr_streaming', 2, '', headers)).status, 404);
  }
  t.equal(victim.readyState, 1);
});

t.test('a phone that changes its address keeps its session', async (t) => {
  const target = await startFanfare(t, { trustedProxies: ['127.0.0.1'] });
  const session = randomSession();
  const at = (ip: string) => ({ 'X-Forwarded-For': ip });
  t.equal((await post(target, session, 'xhr', 1, '', at('192.0.2.1'))).status, 200);
  for (let n = 2; n < 60; n += 1) {
    t.equal((await post(target, session, 'xhr_send', n, '[]', at(`192.0.2.${1 + (n % 3)}`))).status, 204);
  }
});

t.test('bodies that are no list of messages are refused, told to the client, and harm nothing', async (t) => {
  const target = await startFanfare(t);
  const session = randomSession();
  const wire = open(t, target, { session });
  await said(wire, 'connection_established');
  const bodies = ['', 'null', '{}', '"x"', '[1]', '[null]', '[["a"]]', '[{}]', '["a"', '\\u0000', '["a",2]', '[NaN]'];
  for (const [i, body] of bodies.entries()) {
    const answer = await post(target, session, 'xhr_send', 5_000_000 + i, body);
    t.equal(answer.status, 400, body);
    t.match(answer.text, /JSON array of strings/);
  }
  const many = JSON.stringify(Array.from({ length: 101 }, () => '{}'));
  t.match((await post(target, session, 'xhr_send', 5_000_100, many)).text, /at most 100 messages/);
  const huge = JSON.stringify(['x'.repeat(2 * 1024 * 1024)]);
  t.equal((await post(target, session, 'xhr_send', 5_000_101, huge)).status, 413);
  await said(wire, 'JSON array of strings');
  t.equal(wire.readyState, 1);
  await subscribed(wire, unique('c'));
});

t.test('a send that comes twice counts once, and one that is overtaken still comes first', async (t) => {
  const target = await startFanfare(t);
  const channel = `private-${unique('c')}`;
  const receiver = await RawClient.connect(t, target);
  await receiver.subscribe(channel);
  const page = new Poller(target);
  const [, socketId = ''] = /socket_id[\\":]+([\d.]+)/.exec(await page.pollUntil('connection_established')) ?? [];
  await page.send({ event: 'pusher:subscribe', data: { channel, auth: channelAuth(target, socketId, channel) } });
  await page.pollUntil('subscription_succeeded');
  const next = page.nextNumber;
  for (const n of [1, 0, 1, 2, 0, 2]) await post(target, page.session, 'xhr_send', next + n, clientEvent(channel, n));
  await receiver.next((frame) => frame.data === '{"n":2}');
  const numbers = receiver.frames.filter(({ event }) => event === 'client-n').map(({ data }) => data);
  t.strictSame(numbers, ['{"n":0}', '{"n":1}', '{"n":2}']);
});

t.test('what one client sends in a second is bounded over HTTP too', async (t) => {
  const target = await startFanfare(t, {
    apps: [{ id: 'i', key: 'k', secret: 's', limits: { maxEventBytes: 1024 } }],
    connections: { maxReceiveBytesPerSecond: '64KB' },
  });
  const wire = open(t, target);
  await said(wire, 'connection_established');
  const closed = once(wire, 'close');
  const message = JSON.stringify({ event: 'pusher:ping', data: 'x'.repeat(20_000) });
  for (let i = 0; i < 20; i += 1) wire.send(message);
  t.equal(((await within(closed, 'the close')) as [number])[0], 4100);
});

t.test('a reader of a stream that stops sees a prefix without a hole and is closed; others see all', async (t) => {
  const target = await startFanfare(t, { connections: { maxBackpressureBytes: '128KB', slowReaderGraceSeconds: 1 } });
  const api = new SignedApi(target);
  const channel = unique('c');
  const session = randomSession();
  const healthy = open(t, target);
  await subscribed(healthy, channel);
  const slow = connect(target.port, '127.0.0.1');
  t.teardown(() => slow.destroy());
  const path = `/pusher/app/${target.key}/${session}/xhr_streaming?${QUERY}&t=1&n=1`;
  slow.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
  await once(slow, 'data');
  const body = JSON.stringify([JSON.stringify({ event: 'pusher:subscribe', data: { channel, auth: '' } })]);
  t.equal((await post(target, session, 'xhr_send', 2, body)).status, 204);
  const count = async () => {
    const { json } = await api.get(`/channels/${channel}`, { info: 'subscription_count' });
    return (json as { subscription_count: number }).subscription_count;
  };
  await until(async () => (await count()) === 2, 'both are subscribed');
  slow.pause();
  for (let n = 0; n < 60; n += 1) await api.trigger(channel, 'n', `${n} ${PADDING}`);
  // 256 KiB fit into one response, and no reader is slow that has been given no more.
  await until(async () => (await count()) === 1, 'the slow reader is given up', 15_000);
  await said(healthy, '"59 ');
  const numbers = healthy.lines.flatMap((line) => /\\"data\\":\\"(\d+) /.exec(line)?.[1] ?? []).map(Number);
  t.strictSame(
    numbers,
    Array.from({ length: 60 }, (_, i) => i),
  );
});

t.test('a client that polls, but too seldom for what it is sent, is told so and closed', async (t) => {
  const target = await startFanfare(t, { connections: { maxBackpressureBytes: '128KB' } });
  const api = new SignedApi(target);
  const channel = unique('c');
  const page = new Poller(target);
  await page.subscribe(channel);
  for (let n = 0; n < 20; n += 1) await api.trigger(channel, 'n', `${n} ${PADDING}`);
  let all = '';
  while (!/^c/m.test(all)) all += await page.poll();
  t.match(all, /^c\[4100,"Slow reader/m);
  const numbers = [...all.matchAll(/\\"data\\":\\"(\d+) /g)].map(([, n]) => Number(n));
  t.ok(numbers.length > 2 && numbers.length < 20, `${numbers.length} of 20`);
  t.strictSame(
    numbers,
    Array.from({ length: numbers.length }, (_, i) => i),
    'a prefix without a hole',
  );
});

t.test(
  'what waits for all sessions together is bounded, and a session with little to wait for is served',
  async (t) => {
    const target = await startFanfare(t, {
      connections: { maxBackpressureBytes: '1MB', slowReaderGraceSeconds: 1 },
      fallback: { maxBufferedBytes: '1MB', gapSeconds: 30 },
      admin: { port: 0 },
    });
    const api = new SignedApi(target);
    const channels = Array.from({ length: 12 }, () => unique('c'));
    for (const channel of channels) await new Poller(target).subscribe(channel);
    // Nobody polls any more; each is sent what it alone is to get.
    for (let n = 0; n < 10; n += 1) {
      for (const channel of channels) await api.trigger(channel, 'n', `${n} ${PADDING}`);
    }
    const occupied = async () => {
      const { json } = await api.get('/channels');
      return Object.keys((json as { channels: object }).channels).length;
    };
    await until(async () => (await occupied()) < channels.length, 'some are given up');
    const wire = open(t, target);
    const channel = unique('small');
    await subscribed(wire, channel);
    await api.trigger(channel, 'small', '{}');
    await said(wire, 'small');
    const { text } = await send(target.adminOrigin, 'GET', '/metrics');
    t.match(text, /fanfare_bound_refused_total\{bound="http-buffered-bytes"\} [1-9]/);
  },
);

t.test('a node that stops closes streams and polls with a code on which clients come back', async (t) => {
  const target = await startFanfare(t, { shutdownGraceSeconds: 1 });
  const wires = (['xhr_streaming', 'xhr_polling'] as const).map((transport) => open(t, target, { transport }));
  for (const wire of wires) await said(wire, 'connection_established');
  const closes = wires.map((wire) => once(wire, 'close'));
  await target.stop();
  for (const close of closes) t.equal(((await within(close, 'the close')) as [number])[0], 4200);
});

/** A page that polls when it is told to, and numbers its requests. */
class Poller {
  readonly session = randomSession();
  readonly #target: StartedFanfare;
  #number = 0;

  constructor(target: StartedFanfare) {
    this.#target = target;
  }

  get nextNumber(): number {
    return this.#number + 1;
  }

  async poll(): Promise<string> {
    this.#number += 1;
    return (await post(this.#target, this.session, 'xhr', this.#number)).text;
  }

  /** Polls until this has come: what came with it. */
  async pollUntil(what: string): Promise<string> {
    let all = '';
    while (!all.includes(what)) all += await this.poll();
    return all;
  }

  async send(message: unknown): Promise<void> {
    this.#number += 1;
    await post(this.#target, this.session, 'xhr_send', this.#number, JSON.stringify([JSON.stringify(message)]));
  }

  async subscribe(channel: string): Promise<void> {
    await this.pollUntil('connection_established');
    await this.send({ event: 'pusher:subscribe', data: { channel, auth: '' } });
    await this.pollUntil('subscription_succeeded');
  }
}
