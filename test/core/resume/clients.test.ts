import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import t from 'tap';
import { configSchema } from '../../../src/config/schema.ts';
import { createServer } from '../../../src/server.ts';
import { unique } from '../../support/names.ts';
import { connectEcho, emitted } from '../../support/pusher-client.ts';
import { RawClient } from '../../support/raw-client.ts';
import { connectResumable, goOffline, goOnline, Listener, startSite } from '../../support/resume.ts';
import { SignedApi } from '../../support/signed-api.ts';
import { APP, targetAt } from '../../support/target.ts';
import { until } from '../../support/wait.ts';

/** Each has a server of its own, and most of its time it waits. */
t.jobs = 4;

for (const broadcaster of ['pusher', 'reverb'] as const) {
  t.test(`Laravel Echo, broadcaster ${broadcaster}: wsPath is all it needs`, async (t) => {
    const site = await startSite(t);
    const echo = await connectEcho(t, site.target, broadcaster, { wsPath: `/resume/${randomUUID()}` });
    const channel = unique('room-');
    const heard: unknown[] = [];
    const resumed: unknown[] = [];
    echo
      .channel(channel)
      .listen('.news', (data: unknown) => heard.push(data))
      .listen('.fanfare:resumed', (data: unknown) => resumed.push(data));
    await until(() => resumed.length === 1, 'the first fanfare:resumed');
    t.same(resumed, [{ recovered: false, reason: 'unknown' }]);
    await goOffline(site, echo.connector.pusher);
    for (const data of ['1', '2']) await site.api.trigger(channel, 'news', data);
    await goOnline(site, echo.connector.pusher);
    await until(() => heard.length === 2, 'what was missed');
    t.same(heard, [1, 2]);
    t.same(resumed[1], { recovered: true, events: 2 });
  });
}

t.test('a duplicated tab: both go on and neither reconnects; each is told when it has missed something', async (t) => {
  const site = await startSite(t);
  const wsPath = `/resume/${randomUUID()}`;
  const channel = unique('room-');
  const older = await connectResumable(t, site.target, { wsPath });
  const atOlder = new Listener(older, channel);
  await atOlder.isResumed(1);
  const newer = await connectResumable(t, site.target, { wsPath });
  const atNewer = new Listener(newer, channel);
  t.same(await atNewer.isResumed(1), { recovered: false, reason: 'shared' });
  const opened = site.network.openedMs.length;
  await site.api.trigger(channel, 'news', '1');
  await atOlder.hears(1);
  await atNewer.hears(1);
  // Long enough for acknowledgements and savings by both.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  t.equal(site.network.openedMs.length, opened, 'nobody has reconnected');
  site.network.isOffline = true;
  site.network.cut();
  await site.api.trigger(channel, 'news', '2');
  await until(() => [older, newer].every(({ connection }) => connection.state !== 'connected'), 'both are offline');
  for (const pusher of [older, newer]) await goOnline(site, pusher);
  for (const listener of [atOlder, atNewer]) {
    t.same(await listener.isResumed(2), { recovered: false, reason: 'shared' });
    await site.api.trigger(channel, 'news', '3');
    t.notOk(listener.heard.includes(2), 'and so the page knows that it may have missed something');
  }
});

t.test('tokens are never whole in the log, whatever happens', async (t) => {
  let log = '';
  const sink = new Writable({
    write(chunk, _, done) {
      log += String(chunk);
      done();
    },
  });
  const config = configSchema.parse({
    host: '127.0.0.1',
    port: 0,
    shutdownGraceSeconds: 0,
    auth: { enabled: false },
    admin: { enabled: false },
    apps: [APP],
  });
  const server = createServer(config, { logger: pino({ level: 'trace' }, sink) });
  const { port } = await server.start();
  t.teardown(() => server.stop());
  const target = targetAt(`http://127.0.0.1:${port}`, APP);
  const tokens: string[] = [];
  const open = (path: (token: string) => string, token = randomUUID() as string) => {
    tokens.push(token);
    return RawClient.open(t, target, { path: path(token) });
  };
  const query = 'protocol=7&client=js';
  // A good one that subscribes, is refused, and is cut; then what is refused at the door.
  const good = open((token) => `/resume/${token}/app/${APP.key}?${query}`);
  await good.next('pusher:connection_established');
  await good.subscribe('room');
  good.send({ event: 'pusher:subscribe', data: { channel: 'private-room', auth: 'x:y' } });
  await good.next('pusher:subscription_error');
  good.cut();
  await good.closed;
  const refused = [
    open((token) => `/resume/${token}/app/unknown?${query}`),
    open((token) => `/resume/${token}/app/${APP.key}?protocol=99`),
    open((token) => `/resume/${token}/app/${APP.key}?${query}`, 'a-short-one'),
    open((token) => `/resume/${token}/app/${APP.key}?${query}`, `${randomUUID()}/${randomUUID()}`),
    open((token) => `/resume/${token}?${query}`),
    open((token) => `/prefix/resume/${token}/${APP.key}?${query}`),
  ];
  for (const client of refused) await client.closed;
  const api = new SignedApi(target);
  tokens.push(randomUUID());
  await api.request({ path: `/resume/${tokens.at(-1)}/apps/${APP.id}/channels` });
  await server.stop();
  t.match(log, /connection refused/, 'the log tells of them');
  for (const token of tokens) for (const part of token.split('/')) t.notOk(log.includes(part), `no ${part}`);
});

t.test('a client that never comes back leaves nothing that others would notice', async (t) => {
  const site = await startSite(t);
  const channel = unique('room-');
  const gone = await connectResumable(t, site.target);
  await new Listener(gone, channel).isResumed(1);
  gone.disconnect();
  await until(async () => {
    const { json } = await site.api.get(`/channels/${channel}`);
    return (json as { occupied: boolean }).occupied === false;
  }, 'the channel is vacated');
  const plain = await connectResumable(t, site.target);
  plain.subscribe(channel);
  await emitted(plain.channel(channel), 'pusher:subscription_succeeded');
});
