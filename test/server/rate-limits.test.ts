import { createHmac } from 'node:crypto';
import t from 'tap';
import { errorCode, RawClient } from '../support/raw-client.ts';
import { send } from '../support/signed-api.ts';
import { APP, AUTH, JWT_SECRET, startFanfare } from '../support/target.ts';
import { until, within } from '../support/wait.ts';

/** Windows are seconds of the clock: what must fall into one begins early in it. */
const earlyInASecond = () => until(() => Date.now() % 1000 < 100, 'a second begins');

t.test('client events of all connections on a channel: 4301', async (t) => {
  const limits = { clientEventsPerSecond: 0, clientEventsPerSecondOfChannel: 6 };
  const target = await startFanfare(t, { apps: [{ ...APP, limits }] });
  const [one, two] = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
  for (const client of [one, two]) {
    await client.subscribe('private-a');
    await client.subscribe('private-b');
  }
  await earlyInASecond();
  for (const client of [one, two]) {
    for (let index = 0; index < 5; index += 1) client.send({ event: 'client-x', channel: 'private-a', data: '' });
  }
  one.send({ event: 'client-x', channel: 'private-b', data: '"other"' });
  await one.fence();
  await two.fence();
  const refused = [...one.frames, ...two.frames].filter(({ event }) => event === 'pusher:error');
  t.ok(refused.length >= 4, `${refused.length} of 10 were refused`);
  for (const frame of refused) t.equal(errorCode(frame), 4301);
  t.match(refused[0]?.data, { message: /6 a second on this channel/ });
  await two.next((frame) => frame.channel === 'private-b' && frame.event === 'client-x');
});

t.test('subscriptions of a connection: an error with 429, and the next second has its own', async (t) => {
  const limits = { subscriptionsPerSecond: 3, maxChannelsPerConnection: 4 };
  const target = await startFanfare(t, { apps: [{ ...APP, limits }] });
  const client = await RawClient.connect(t, target);
  await earlyInASecond();
  for (let index = 0; index < 5; index += 1) {
    client.send({ event: 'pusher:subscribe', data: { channel: `c${index}` } });
    client.send({ event: 'pusher:unsubscribe', data: { channel: `c${index}` } });
  }
  const refusal = await client.next('pusher:subscription_error');
  t.match(refusal.data, { type: 'LimitReached', status: 429, error: /limit of 4 subscriptions a second: try again/ });
  await until(
    async () => (await client.subscribe(`later-${Date.now()}`)).event !== 'pusher:subscription_error',
    'later',
  );
});

t.test('new connections of an address in a minute: 4100, and IPv6 goes by its /64', async (t) => {
  await until(() => Date.now() % 60_000 < 55_000, 'there is time left in the minute', 10_000);
  const target = await startFanfare(t, {
    connections: { newPerMinutePerIp: 3, maxPerIp: 5 },
    trustedProxies: ['127.0.0.1'],
    admin: { port: 0 },
  });
  const from = (ip: string) => RawClient.open(t, target, { headers: { 'X-Forwarded-For': ip } });
  for (const host of ['1', '2', '3']) await from(`2001:db8:0:1::${host}`).next('pusher:connection_established');
  const over = from('2001:db8:0:1:ffff::9');
  t.match(await over.next('pusher:error'), { data: { code: 4100, message: /from this address: try again in \d+ s/ } });
  t.equal((await within(over.closed, 'the close')).code, 4100);
  await from('2001:db8:0:2::1').next('pusher:connection_established');
  await from('203.0.113.7').next('pusher:connection_established');
  const { text } = await send(target.adminOrigin, 'GET', '/metrics');
  t.match(text, 'fanfare_bound_refused_total{bound="connection-rate"} 1\n');
  t.match(text, 'fanfare_bound_refused_total{bound="connections"} 0\n');
});

t.test('tokens that nobody has signed: the address is out for a while, with 429 and Retry-After', async (t) => {
  await until(() => Date.now() % 60_000 < 55_000, 'there is time left in the minute', 10_000);
  const target = await startFanfare(t, {
    apps: [{ ...APP, tokenInQuery: true }],
    auth: { ...AUTH, maxFailuresPerMinute: 3, failureBlockSeconds: 1 },
    trustedProxies: ['127.0.0.1'],
  });
  const tokenBy = (secret: string, exp: number) => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${part({ alg: 'HS256' })}.${part({ sub: 'ann', exp })}`;
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
  };
  const later = Math.floor(Date.now() / 1000) + 600;
  const [good, expired, forged] = [tokenBy(JWT_SECRET, later), tokenBy(JWT_SECRET, 1), tokenBy('x', later)];
  const ask = (ip: string, token: string) =>
    send(
      target.origin,
      'POST',
      '/broadcasting/auth',
      {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/x-www-form-urlencoded',
        'X-Forwarded-For': ip,
      },
      'socket_id=1.1&channel_name=private-user.ann',
    );
  for (let index = 0; index < 5; index += 1) t.equal((await ask('2001:db8::1', expired)).status, 403, 'everyday');
  t.equal((await ask('2001:db8::1', good)).status, 200);
  for (let index = 0; index < 3; index += 1) t.equal((await ask('2001:db8::1', forged)).status, 403);
  const blocked = await ask('2001:db8::2', good);
  t.equal(blocked.status, 429, 'the whole /64');
  t.equal(blocked.headers['retry-after'], '1');
  t.match(blocked.text, /Too many requests/);
  t.equal((await ask('2001:db8:0:1::1', good)).status, 200, 'no other');
  const path = `/app/${APP.key}?protocol=7&token=${good}`;
  const client = RawClient.open(t, target, { path, headers: { 'X-Forwarded-For': '2001:db8::3' } });
  t.match(await client.next('pusher:error'), { data: { code: 4100 } });
  await until(async () => (await ask('2001:db8::1', good)).status === 200, 'the block ends');
});

t.test('a client with more channels than are joined at once joins all of them', async (t) => {
  const target = await startFanfare(t, { apps: [{ ...APP, limits: { channelsAtOnce: 2 } }] });
  const client = await RawClient.connect(t, target);
  for (let n = 0; n < 30; n += 1) client.send({ event: 'pusher:subscribe', data: { channel: `c-${n}` } });
  for (let n = 0; n < 30; n += 1) {
    await client.next(({ event, channel }) => event.endsWith(':subscription_succeeded') && channel === `c-${n}`);
  }
});
