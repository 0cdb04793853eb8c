import t from 'tap';
import type { Connection } from '../../../src/core/connection/connection.ts';
import type { Core } from '../../../src/core/create-core.ts';
import { authValue, channelSignature, userSignature } from '../../../src/protocol/signatures.ts';
import { startCore } from '../../support/core.ts';
import type { FakeSocket } from '../../support/fakes.ts';
import { app } from '../../support/unit-app.ts';

async function send(core: Core, connection: Connection, event: string, data: object): Promise<void> {
  core.connections.message(connection, JSON.stringify({ event, data }));
  while (!connection.tasks.idle) await new Promise(setImmediate);
}

t.test('a signature of a revoked token is refused however often it is sent', async (t) => {
  const { core, connect } = await startCore(t);
  const { connection, socket } = await connect();
  const { key, secret } = connection.app;
  await core.revokeToken(connection.app, 'stolen', undefined);
  const channel = 'private-room';
  const channelData = JSON.stringify({ user_id: 'ann', jti: 'stolen' });
  const auth = authValue(key, channelSignature(secret, connection.socketId, channel, channelData));
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await send(core, connection, 'pusher:subscribe', { channel, auth, channel_data: channelData });
    t.equal(socket.calls.filter((call) => call.includes('subscription_error')).length, attempt);
    t.equal(connection.subscriptions.size, 0);
  }
  t.notOk(connection.authorized);
  const userData = JSON.stringify({ id: 'ann', jti: 'stolen' });
  const signIn = { user_data: userData, auth: authValue(key, userSignature(secret, connection.socketId, userData)) };
  for (let attempt = 1; attempt <= 2; attempt += 1) await send(core, connection, 'pusher:signin', signIn);
  t.equal(connection.user, undefined, 'nor does it sign in');
});

t.test('what waits for a sign-in is kept by its name alone, and counted once', async (t) => {
  const { core, connect } = await startCore(t, [app({ requireSignIn: true })]);
  const { connection } = await connect();
  const channels = Array.from({ length: 900 }, (_, at) => `c${at}`);
  for (const channel of channels) {
    const padding = 'x'.repeat(300);
    core.connections.message(connection, JSON.stringify({ event: 'pusher:subscribe', data: { channel, padding } }));
  }
  while (!connection.tasks.idle) await new Promise(setImmediate);
  t.ok(JSON.stringify([...connection.awaiting]).length < 10_000);
  const { key, secret } = connection.app;
  const userData = JSON.stringify({ id: 'ann' });
  const auth = authValue(key, userSignature(secret, connection.socketId, userData));
  await send(core, connection, 'pusher:signin', { user_data: userData, auth });
  t.equal(connection.subscriptions.size, channels.length, 'asked for and joined within one second');
  t.equal(connection.awaiting.size, 0);
});

t.test('what the client has left again before it signed in is not joined', async (t) => {
  const { core, connect } = await startCore(t, [app({ requireSignIn: true })]);
  const { connection } = await connect();
  await send(core, connection, 'pusher:subscribe', { channel: 'left' });
  await send(core, connection, 'pusher:subscribe', { channel: 'kept' });
  const { key, secret } = connection.app;
  const userData = JSON.stringify({ id: 'ann' });
  const auth = authValue(key, userSignature(secret, connection.socketId, userData));
  const signIn = { event: 'pusher:signin', data: { user_data: userData, auth } };
  core.connections.message(connection, JSON.stringify(signIn));
  await send(core, connection, 'pusher:unsubscribe', { channel: 'left' });
  t.same([...connection.subscriptions.keys()], ['kept']);
});

t.test('a token that is renewed under the same id is still found by it', async (t) => {
  const { core, connect } = await startCore(t);
  const { connection, socket } = await connect();
  const { key, secret } = connection.app;
  for (const iat of [1, 2]) {
    const channel = `private-${iat}`;
    const channelData = JSON.stringify({ user_id: 'ann', jti: 'session', iat });
    const auth = authValue(key, channelSignature(secret, connection.socketId, channel, channelData));
    await send(core, connection, 'pusher:subscribe', { channel, auth, channel_data: channelData });
  }
  t.equal(connection.subscriptions.size, 2);
  await core.revokeToken(connection.app, 'session', undefined);
  t.ok(socket.calls.includes('close 4200'));
});

t.test('a revoked token leaves the connection with the one that it had, which is still found', async (t) => {
  const { core, connect } = await startCore(t);
  const { connection, socket } = await connect();
  const { key, secret } = connection.app;
  await core.revokeToken(connection.app, 'revoked', undefined);
  for (const jti of ['held', 'revoked']) {
    const channel = `private-${jti}`;
    const channelData = JSON.stringify({ user_id: 'ann', jti });
    const auth = authValue(key, channelSignature(secret, connection.socketId, channel, channelData));
    await send(core, connection, 'pusher:subscribe', { channel, auth, channel_data: channelData });
  }
  t.same([...connection.subscriptions.keys()], ['private-held']);
  await core.revokeToken(connection.app, 'held', undefined);
  t.ok(socket.calls.includes('close 4200'));
});

t.test('connections whose tokens end in one second are closed in their turns', async (t) => {
  const { core, connect } = await startCore(t, undefined, undefined, { closeOnTokenExpiry: true });
  const exp = Math.ceil(Date.now() / 1000) + 1;
  const sockets: FakeSocket[] = [];
  for (let at = 0; at < 100; at += 1) {
    const { connection, socket } = await connect();
    const { key, secret } = connection.app;
    const userData = JSON.stringify({ id: `u${at}`, exp });
    const auth = authValue(key, userSignature(secret, connection.socketId, userData));
    await send(core, connection, 'pusher:signin', { user_data: userData, auth });
    sockets.push(socket);
  }
  const closed = () => sockets.filter(({ calls }) => calls.some((call) => call.startsWith('close'))).length;
  let most = 0;
  let before = 0;
  while (before < sockets.length && Date.now() < (exp + 5) * 1000) {
    await new Promise(setImmediate);
    const now = closed();
    most = Math.max(most, now - before);
    before = now;
  }
  t.equal(before, sockets.length);
  t.ok(most <= 20, `${most} in one turn`);
});
