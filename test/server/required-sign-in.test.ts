import { SignJWT } from 'jose';
import t from 'tap';
import { connectPusher, emitted } from '../support/pusher-client.ts';
import { decoded, RawClient } from '../support/raw-client.ts';
import { SignedApi, send } from '../support/signed-api.ts';
import { APP, AUTH, JWT_SECRET, targetAt } from '../support/target.ts';
import { startLogged } from '../support/transport.ts';
import { within } from '../support/wait.ts';

const apps = [
  {
    ...APP,
    requireSignIn: true,
    tokenInQuery: true,
    unauthorizedTimeoutSeconds: 1,
    limits: { subscriptionsPerSecond: 0 },
  },
  { id: 'other', key: 'other-key', secret: 'other-secret' },
];
const jwt = { ...AUTH.jwt, clockToleranceSeconds: 0 };
const { target, log, logged } = await startLogged(t, {
  ...{ apps, auth: { ...AUTH, jwt, appId: APP.id }, admin: { port: 0 } },
});
const api = new SignedApi(target);

const token = (claims: object = {}) =>
  new SignJWT({ sub: 'ann', exp: Math.floor(Date.now() / 1000) + 60, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(JWT_SECRET));
const pathWith = (query: string, key: string = APP.key) => `/app/${key}?protocol=7&client=js&version=8.6.0&${query}`;

t.test('who does not sign in receives nothing, and is closed with 4009', async (t) => {
  const client = await RawClient.connect(t, target);
  client.send({ event: 'pusher:subscribe', data: { channel: 'news' } });
  client.send({ event: 'pusher:subscribe', data: { channel: 'cache-news' } });
  await client.fence();
  await api.trigger('news', 'event', '1');
  t.equal((await within(client.closed, 'the close')).code, 4009);
  t.same(
    client.frames
      .map(({ event }) => event)
      .filter((event) => !/^pusher:(connection_established|pong|error|subscription_error)$/.test(event)),
    [],
  );
});

t.test('a stock client that subscribes and signs in at once gets all that it asked for', async (t) => {
  const pusher = await connectPusher(t, target, {}, { id: 'ann' });
  const news = pusher.subscribe('news');
  const left = pusher.subscribe('left');
  pusher.unsubscribe('left');
  pusher.signin();
  await emitted(news, 'pusher:subscription_succeeded');
  const heard = emitted(news, 'event');
  await api.trigger('news', 'event', '"now"');
  t.equal(await heard, 'now');
  t.notOk(left.subscribed);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  t.equal(pusher.connection.state, 'connected', 'it is not closed afterwards');
});

t.test('a guarded channel does as well', async (t) => {
  const client = await RawClient.connect(t, target);
  client.send({ event: 'pusher:subscribe', data: { channel: 'news' } });
  await client.subscribe('private-x');
  t.equal((await client.next('pusher_internal:subscription_succeeded')).channel, 'news');
});

t.test('what waits for a sign-in is bounded, and asked for once', async (t) => {
  const client = await RawClient.connect(t, target);
  for (let index = 0; index < 1001; index += 1) {
    client.send({ event: 'pusher:subscribe', data: { channel: `c${index}` } });
  }
  t.match(await client.next('pusher:subscription_error'), { channel: 'c1000', data: { type: 'LimitReached' } });
  client.send({ event: 'pusher:subscribe', data: { channel: 'c1' } });
  t.match(await client.next('pusher:error'), { data: { message: /Existing subscription/ } });
});

t.test('a token in the query signs in; it is checked before anything else', async (t) => {
  const client = await RawClient.connect(t, target, { path: pathWith(`token=${await token()}`) });
  const success = await client.next('pusher:signin_success');
  t.match(JSON.parse((decoded(success) as { user_data: string }).user_data), { id: 'ann' });
  t.match(await client.subscribe('news'), { event: 'pusher_internal:subscription_succeeded' });
  t.match(await client.subscribe('#server-to-user-ann'), { event: 'pusher_internal:subscription_succeeded' });
});

t.test('a token that is not valid is refused, with the address in the log and the token nowhere', async (t) => {
  const { adminOrigin } = { adminOrigin: log.map(({ admin }) => admin).find((admin) => admin !== undefined) };
  const bad = [await token({ exp: 1 }), 'no-token-at-all', `${await token()}x`, ''];
  for (const given of bad) {
    const client = RawClient.open(t, target, { path: pathWith(`token=${given}`) });
    t.match(await client.next('pusher:error'), { data: { code: 4009, message: /token of the query was refused/ } });
    t.equal((await within(client.closed, 'the close')).code, 4009);
    t.notOk(client.frames.some(({ event }) => event === 'pusher:connection_established'));
    t.match(await logged('connection refused'), { ip: '127.0.0.1', code: 4009 });
  }
  const metrics = await send(`http://${adminOrigin}`, 'GET', '/metrics');
  t.match(metrics.text, /fanfare_authorizations_total\{[^}]*token_expired[^}]*\} 1/);
  const written = JSON.stringify(log) + metrics.text;
  for (const given of bad.filter((text) => text !== '')) t.notOk(written.includes(given), 'the token is nowhere');
});

t.test('an app that does not take one from there does not look at it', async (t) => {
  const [, other] = apps;
  if (other === undefined) throw new Error('no app');
  const client = await RawClient.connect(t, targetAt(target.origin, other), { path: pathWith('token=x', other.key) });
  t.match(await client.subscribe('news'), { event: 'pusher_internal:subscription_succeeded' });
});
