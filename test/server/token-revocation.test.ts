import { createHmac } from 'node:crypto';
import t, { type Test } from 'tap';
import { unique } from '../support/names.ts';
import { emitted, Pusher } from '../support/pusher-client.ts';
import { RawClient } from '../support/raw-client.ts';
import { startRedis } from '../support/redis-server.ts';
import { SignedApi, send } from '../support/signed-api.ts';
import { AUTH, JWT_SECRET, startFanfare, type Target } from '../support/target.ts';
import { until, within } from '../support/wait.ts';

// Tokens that end, or are revoked, over two replicas: stock clients come back by themselves with a fresh one, once.
const redis = await startRedis();
t.teardown(() => redis.stop());
const jwt = { ...AUTH.jwt, clockToleranceSeconds: 0 };
const settings = { auth: { ...AUTH, jwt, closeOnTokenExpiry: true }, redis: { url: redis.url } };
const [one, two] = await Promise.all([startFanfare(t, settings), startFanfare(t, settings)]);
for (const { origin } of [one, two]) {
  await until(async () => (await send(origin, 'GET', '/ready')).status === 200, 'the replica is ready');
}
const api = new SignedApi(one);

const nowSeconds = () => Math.floor(Date.now() / 1000);

/** Signed at once: pusher-js asks for its headers when it needs them, and does not wait. */
function tokenOf(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = part({ iat: nowSeconds(), exp: nowSeconds() + 600, ...claims });
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${body}`;
  return `${signed}.${createHmac('sha256', JWT_SECRET).update(signed).digest('base64url')}`;
}

/** A stock client that is signed in and subscribed; each request for authorization takes a token of `next`. */
async function stockClient(t: Test, target: Target, user: string, next: () => string) {
  const { hostname, port } = new URL(target.origin);
  const headersProvider = () => ({ Authorization: `Bearer ${next()}` });
  const pusher = new Pusher(target.key, {
    ...{ cluster: '', wsHost: hostname, wsPort: Number(port), forceTLS: false, enabledTransports: ['ws'] },
    channelAuthorization: { endpoint: `${target.origin}/broadcasting/auth`, transport: 'ajax', headersProvider },
    userAuthentication: { endpoint: `${target.origin}/broadcasting/user-auth`, transport: 'ajax', headersProvider },
  });
  t.teardown(() => pusher.disconnect());
  const seen = { connections: 0, subscribed: 0, signedIn: 0, refused: 0 };
  pusher.connection.bind('connected', () => {
    seen.connections += 1;
  });
  const channel = pusher.subscribe(`private-user.${user}`);
  channel.bind('pusher:subscription_succeeded', () => {
    seen.subscribed += 1;
  });
  channel.bind('pusher:subscription_error', () => {
    seen.refused += 1;
  });
  pusher.bind('pusher:signin_success', () => {
    seen.signedIn += 1;
  });
  pusher.signin();
  await until(() => seen.subscribed === 1 && seen.signedIn === 1, 'the client is there');
  return { pusher, channel, seen };
}

const ONCE = { connections: 1, subscribed: 1, signedIn: 1, refused: 0 };
const BACK = { connections: 2, subscribed: 2, signedIn: 2, refused: 0 };

/** What the authorization endpoint says to a token. */
async function asked(target: Target, token: string, socketId: string, user: string) {
  const body = new URLSearchParams({ socket_id: socketId, channel_name: `private-user.${user}` }).toString();
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/x-www-form-urlencoded' };
  return await send(target.origin, 'POST', '/broadcasting/auth', headers, body);
}

await t.test('a token that ends is asked for anew, on every replica', async (t) => {
  const user = unique('ann');
  let exp = nowSeconds() + 2;
  const next = () => tokenOf({ sub: user, exp });
  const clients = [await stockClient(t, one, user, next), await stockClient(t, two, user, next)];
  exp += 600;
  await until(() => clients.every(({ seen }) => seen.subscribed === 2 && seen.signedIn === 2), 'both are back', 8000);
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (const { seen } of clients) t.same(seen, BACK, 'one reconnect each');
});

await t.test('a token that is revoked by its id ends at once everywhere, and no other does', async (t) => {
  const [user, other] = [unique('ann'), unique('bob')];
  let jti = unique('first');
  const revoked = jti;
  const next = () => tokenOf({ sub: user, jti });
  const clients = [await stockClient(t, one, user, next), await stockClient(t, two, user, next)];
  const stays = await stockClient(t, two, other, () => tokenOf({ sub: other, jti: 'of bob' }));
  const old = next();
  // A signature that was given before, and is used after.
  const raw = await RawClient.connect(t, two);
  const given = (await asked(two, old, raw.socketId, user)).json as { auth: string; channel_data: string };
  jti = unique('second');
  t.equal((await api.post('/tokens/revoke', { jti: revoked })).status, 200);
  for (const target of [one, two]) {
    const { status, text } = await asked(target, old, '1.1', user);
    t.match({ status, text }, { status: 403, text: /Forbidden/ });
  }
  const refusal = await raw.subscribe(`private-user.${user}`, given.channel_data, given.auth);
  t.match(refusal.data, { type: 'AuthError', error: /^The token was revoked/ });
  await until(() => clients.every(({ seen }) => seen.subscribed === 2 && seen.signedIn === 2), 'both are back');
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (const { seen } of clients) t.same(seen, BACK, 'one reconnect each');
  t.same(stays.seen, ONCE);
  await api.trigger(`private-user.${user}`, 'event', '"still"');
});

await t.test('all tokens of a user that were issued until now are revoked, newer ones hold', async (t) => {
  const user = unique('ann');
  const next = () => tokenOf({ sub: user });
  const clients = [await stockClient(t, one, user, next), await stockClient(t, two, user, next)];
  const old = next();
  t.equal((await api.post(`/users/${user}/revoke_tokens`, {})).status, 200);
  t.equal((await asked(two, old, '1.1', user)).status, 403);
  await until(() => clients.every(({ seen }) => seen.subscribed === 2 && seen.signedIn === 2), 'both are back');
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (const { seen } of clients) t.same(seen, BACK, 'one reconnect each');
  t.equal((await asked(two, old, '1.1', user)).status, 403, 'the old one stays refused');
  t.equal((await asked(two, next(), '1.1', user)).status, 200);
});

await t.test(
  'a user whose connections are terminated does not come back with the tokens that were there',
  async (t) => {
    const user = unique('ann');
    const next = () => tokenOf({ sub: user });
    const client = await stockClient(t, two, user, next);
    const [old, without] = [next(), tokenOf({ sub: user, iat: undefined })];
    const ended = emitted(client.pusher.connection, 'disconnected');
    t.equal((await api.post(`/users/${user}/terminate_connections`, {})).status, 200);
    await within(ended, 'the end');
    t.equal((await asked(one, old, '1.1', user)).status, 403);
    t.equal((await asked(one, without, '1.1', user)).status, 200, 'it cannot be told from a newer one');
    t.same(client.seen, ONCE);
  },
);

await t.test('what a revocation needs is said', async (t) => {
  for (const body of ['', {}, { jti: '' }, { jti: 7 }, { jti: 'x'.repeat(256) }]) {
    t.match(await api.post('/tokens/revoke', body), { status: 400, text: /\{"jti":"4f1c","exp":1767225600\}/ });
  }
  t.match(await api.post('/tokens/revoke', { jti: 'a', exp: 'soon' }), { status: 400, text: /seconds since 1970/ });
});
