import t from 'tap';
import { unique } from '../support/names.ts';
import { decoded, errorCode, on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { APP, startFanfare, targetAt } from '../support/target.ts';
import { until, within } from '../support/wait.ts';

/** What an app's settings change of the protocol: several apps of one server, each with its own. */
const app = (id: string, settings: object = {}) => ({ id, key: `${id}-key`, secret: `${id}-secret`, ...settings });
const apps = {
  counting: app('counting', { subscriptionCount: true }),
  silent: app('silent', { clientEvents: false }),
  disabled: app('disabled', { enabled: false }),
  secure: app('secure', { tlsOnly: true }),
  small: app('small', { limits: { maxConnections: 2 } }),
  impatient: app('impatient', { unauthorizedTimeoutSeconds: 0.5 }),
  picky: app('picky', { allowedOrigins: ['https://*.example.com', 'http://localhost:5173'] }),
};
const main = await startFanfare(t, { apps: [APP, ...Object.values(apps)] });
const at = (name: keyof typeof apps) => targetAt(main.origin, apps[name]);
const COUNT = 'pusher_internal:subscription_count';

t.test('subscription_count: on each change, on every kind but presence', async (t) => {
  const target = at('counting');
  for (const prefix of ['', 'private-', 'cache-', 'private-encrypted-']) {
    const channel = `${prefix}${unique('c')}`;
    const first = await RawClient.connect(t, target);
    await first.subscribe(channel);
    const count = await first.next(COUNT);
    t.equal(count.channel, channel);
    t.strictSame(decoded(count), { subscription_count: 1 }, 'data is a string');
    const second = await RawClient.connect(t, target);
    await second.subscribe(channel);
    t.strictSame(decoded(await first.next(COUNT)), { subscription_count: 2 });
    t.strictSame(decoded(await second.next(COUNT)), { subscription_count: 2 });
    second.unsubscribe(channel);
    t.strictSame(decoded(await first.next(COUNT)), { subscription_count: 1 });
  }
  const presence = `presence-${unique('c')}`;
  const client = await RawClient.connect(t, target);
  await client.subscribe(presence, '{"user_id":"1"}');
  await new SignedApi(target).trigger(presence, 'fence', '{}');
  await client.next('fence');
  t.equal(client.unread(COUNT).length, 0);
});

t.test('subscription_count over 100 subscribers is held back', async (t) => {
  const target = at('counting');
  const channel = unique('c');
  const clients = await Promise.all(Array.from({ length: 130 }, () => RawClient.connect(t, target)));
  const [first, ...others] = clients;
  if (first === undefined) throw new Error('no client');
  await first.subscribe(channel);
  for (const client of others) await client.subscribe(channel);
  await new SignedApi(target).trigger(channel, 'fence', '{}');
  await first.next('fence');
  const counts = first
    .unread(COUNT)
    .map((frame) => (decoded(frame) as { subscription_count: number }).subscription_count);
  t.strictSame(
    counts.slice(0, 100),
    Array.from({ length: 100 }, (_, i) => i + 1),
    'exact up to 100',
  );
  t.ok(counts.length <= 102, `then at intervals: ${counts.length} counts for 130 subscribers`);
  const last = await first.next((frame) => frame.event === COUNT && frame.data === '{"subscription_count":130}', 7000);
  t.equal(last.channel, channel, 'and the last one is told in the end');
});

t.test('without the setting nobody is told', async (t) => {
  const channel = unique('c');
  const client = await RawClient.connect(t, main);
  await client.subscribe(channel);
  await new SignedApi(main).trigger(channel, 'fence', '{}');
  await client.next('fence');
  t.equal(client.unread(COUNT).length, 0);
});

t.test('client events where they are off: refused with code null', async (t) => {
  const target = at('silent');
  const channel = `private-${unique('c')}`;
  const [sender, receiver] = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
  for (const client of [sender, receiver]) await client.subscribe(channel);
  sender.send({ event: 'client-x', channel, data: '{}' });
  t.equal(errorCode(await sender.next('pusher:error')), null);
  await new SignedApi(target).trigger(channel, 'fence', '{}');
  await receiver.next('fence');
  t.equal(receiver.unread('client-x').length, 0);
});

t.test('a disabled app: 4003, and 403 for its backend', async (t) => {
  const client = RawClient.open(t, at('disabled'));
  t.equal((await within(client.closed, 'the close')).code, 4003);
  t.equal(errorCode(client.frames[0] ?? { raw: '', event: '' }), 4003);
  const answer = await new SignedApi(at('disabled')).get('/channels');
  t.equal(answer.status, 403);
  t.match(answer.text, /\w+ \w+/);
});

t.test('an app for TLS only: 4000 on a plain connection', async (t) => {
  const client = RawClient.open(t, at('secure'));
  t.equal((await within(client.closed, 'the close')).code, 4000);
  t.equal(errorCode(client.frames[0] ?? { raw: '', event: '' }), 4000);
});

t.test('the connection quota: 4004 over it, and a place that is left is free again', async (t) => {
  const target = at('small');
  const [first] = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
  const third = RawClient.open(t, target);
  t.equal((await within(third.closed, 'the close')).code, 4004);
  t.equal(errorCode(third.frames[0] ?? { raw: '', event: '' }), 4004);
  await first.close();
  await until(async () => {
    const client = RawClient.open(t, target);
    const frame = await client.next(() => true);
    return frame.event === 'pusher:connection_established';
  }, 'a connection in the place that was left');
});

t.test('an unauthorized connection: 4009 after the timeout', async (t) => {
  const target = at('impatient');
  const clients = {
    idle: await RawClient.connect(t, target),
    public: await RawClient.connect(t, target),
    refused: await RawClient.connect(t, target),
    private: await RawClient.connect(t, target),
    presence: await RawClient.connect(t, target),
    signedIn: await RawClient.connect(t, target),
  };
  await clients.public.subscribe('public');
  await clients.refused.subscribe('private-x', undefined, 'not:right');
  await clients.private.subscribe('private-x');
  await clients.presence.subscribe('presence-x', '{"user_id":"1"}');
  await clients.signedIn.signIn({ id: '1' });
  for (const name of ['idle', 'public', 'refused'] as const) {
    t.equal((await within(clients[name].closed, `the close of ${name}`)).code, 4009, name);
    t.equal(errorCode(await clients[name].next('pusher:error')), 4009);
  }
  for (const name of ['private', 'presence', 'signedIn'] as const) {
    await clients[name].fence();
    t.equal(clients[name].socket.readyState, 1, `${name} stays`);
  }
});

t.test(
  'allowed origins: a browser from elsewhere is refused after the upgrade, what sends none is let in',
  async (t) => {
    const target = at('picky');
    for (const origin of ['https://chat.example.com', 'http://localhost:5173']) {
      t.ok(await RawClient.connect(t, target, { headers: { Origin: origin } }), origin);
    }
    t.ok(await RawClient.connect(t, target), 'no origin: no browser');
    for (const origin of [
      'https://example.org',
      'http://chat.example.com',
      'https://chat.example.com.evil.org',
      'null',
    ]) {
      const client = RawClient.open(t, target, { headers: { Origin: origin } });
      await within(client.opened, 'the upgrade');
      const { code } = await within(client.closed, 'the close');
      t.ok(code >= 4000 && code < 4100, `${origin}: ${code}, on which a client stays away`);
      t.equal(errorCode(client.frames[0] ?? { raw: '', event: '' }), code);
    }
  },
);

t.test('apps do not see one another', async (t) => {
  const name = `presence-${unique('c')}`;
  const [one, two] = [await RawClient.connect(t, main), await RawClient.connect(t, at('counting'))];
  await one.subscribe(name, '{"user_id":"1"}');
  const success = await two.subscribe(name, '{"user_id":"2"}');
  t.strictSame((decoded(success) as { presence: { ids: string[] } }).presence.ids, ['2']);
  await new SignedApi(main).trigger(name, 'e', '1');
  await new SignedApi(at('counting')).trigger(name, 'e', '2');
  t.equal((await one.next(on(name, 'e'))).data, '1');
  t.equal((await two.next(on(name, 'e'))).data, '2');
  t.equal(one.unread('pusher_internal:member_added').length, 0);
  const foreign = await new SignedApi({ ...main, appId: 'counting' }).get('/channels');
  t.equal(foreign.status, 401, "one app's key does not open another");
});
