import { randomBytes } from 'node:crypto';
import t from 'tap';
import { configSchema } from '../../src/config/schema.ts';
import { createServer } from '../../src/server.ts';
import { unique } from '../support/names.ts';
import { decoded, on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { channelAuth } from '../support/signing.ts';
import { APP, startFanfare, type Target } from '../support/target.ts';
import { RawSocket, startLogged } from '../support/transport.ts';
import { within } from '../support/wait.ts';

const nowSeconds = () => Math.floor(Date.now() / 1000);

/** A text frame as a client sends it. (RFC 6455, section 5.2) */
function textFrame(message: unknown): Buffer {
  const payload = Buffer.from(JSON.stringify(message));
  const mask = randomBytes(4);
  const length =
    payload.length < 126
      ? Buffer.from([0x80 | payload.length])
      : Buffer.from([0x80 | 126, payload.length >> 8, payload.length & 0xff]);
  const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([Buffer.from([0x81]), length, mask, masked]);
}

/** A client that takes no notice of being closed. */
async function stubborn(t: Parameters<typeof RawSocket.connect>[0], target: Target): Promise<[RawSocket, string]> {
  const socket = await RawSocket.connect(t, Number(new URL(target.origin).port));
  socket.write(
    `GET /app/${target.key}?protocol=7 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
  );
  await socket.until(/socket_id\\":\\"\d+\.\d+\\"/);
  return [socket, /(\d+\.\d+)\\"/.exec(socket.text)?.[1] ?? ''];
}

t.test('a client that is closed and does not go has left all the same', async (t) => {
  const target = await startFanfare(t);
  const channel = unique('presence-');
  const watcher = await RawClient.connect(t, target);
  await watcher.subscribe(channel, JSON.stringify({ user_id: 'watcher' }));
  const [socket, socketId] = await stubborn(t, target);
  const channelData = JSON.stringify({ user_id: 'stubborn' });
  const auth = channelAuth(target, socketId, channel, channelData);
  socket.write(textFrame({ event: 'pusher:subscribe', data: { channel, auth, channel_data: channelData } }));
  await watcher.next(on(channel, 'pusher_internal:member_added'));
  socket.write(textFrame({ event: 'client-hello', channel, data: 'before' }));
  t.equal((await watcher.next('client-hello')).data, 'before', 'its frames are understood');

  const answer = await new SignedApi(target).post('/users/stubborn/terminate_connections', {});
  t.equal(answer.status, 200);
  t.same(decoded(await watcher.next('pusher_internal:member_removed')), { user_id: 'stubborn' });
  socket.write(textFrame({ event: 'client-hello', channel, data: 'after' }));
  socket.write(textFrame({ event: 'pusher:subscribe', data: { channel: 'public', auth: '' } }));
  await watcher.fence();
  t.strictSame(watcher.unread('client-hello'), []);
  const occupied = (await new SignedApi(target).get('/channels')).json as { channels: object };
  t.strictSame(Object.keys(occupied.channels), [channel]);
});

t.test('a token that ends', async (t) => {
  const target = await startFanfare(t, { auth: { enabled: false, closeOnTokenExpiry: true } });
  const join = async (exp: number | undefined) => {
    const client = await RawClient.connect(t, target);
    await client.subscribe(unique('private-'), JSON.stringify({ user_id: '7', exp }));
    return client;
  };
  const ending = await join(nowSeconds() + 1);
  const renewed = await join(nowSeconds() + 1);
  await renewed.subscribe(unique('private-'), JSON.stringify({ user_id: '7', exp: nowSeconds() + 3600 }));
  const lasting = await join(nowSeconds() + 3600);
  const endless = await join(undefined);
  const { code } = await within(ending.closed, 'the close');
  t.equal(code, 4200, 'the client reconnects at once, and needs a new token');
  for (const client of [renewed, lasting, endless]) await client.fence();
  const late = await RawClient.connect(t, target);
  const channel = unique('private-');
  late.sendSubscribe(channel, JSON.stringify({ user_id: '7', exp: nowSeconds() - 60 }));
  const { data } = await late.next(on(channel, 'pusher:subscription_error'));
  t.match(data, { type: 'AuthError', error: /token has expired/, status: 401 });
  await late.signIn(JSON.stringify({ id: '7', exp: nowSeconds() - 60 }));
  await late.fence();
});

t.test('without the setting a token may end', async (t) => {
  const target = await startFanfare(t);
  const client = await RawClient.connect(t, target);
  await client.subscribe(unique('private-'), JSON.stringify({ user_id: '7', exp: nowSeconds() - 60 }));
  await client.fence();
});

t.test('origins: a page that may not connect is told so after the upgrade', async (t) => {
  const apps = [{ ...APP, allowedOrigins: ['https://chat.example.com', 'https://*.example.org'] }];
  const running = await startLogged(t, { apps });
  for (const origin of ['https://chat.example.com', 'https://a.b.example.org', 'HTTPS://CHAT.example.com']) {
    await RawClient.connect(t, running.target, { headers: { Origin: origin } });
  }
  await RawClient.connect(t, running.target);
  for (const origin of ['https://evil.example', 'http://chat.example.com', 'https://example.org', 'null']) {
    const client = RawClient.open(t, running.target, { headers: { Origin: origin } });
    t.equal((await within(client.closed, 'the close')).code, 4009, origin);
    t.match(client.frames[0]?.data, { code: 4009, message: /allowedOrigins/ });
    t.match(await running.logged('connection refused'), { code: 4009, ip: '127.0.0.1', level: 40 });
  }
});

t.test('a port that is in use', async (t) => {
  const running = await startLogged(t);
  const config = configSchema.parse({
    host: '127.0.0.1',
    port: running.port,
    apps: [APP],
    auth: { enabled: false },
    admin: { enabled: false },
    log: { level: 'silent' },
  });
  const second = createServer(config);
  await t.rejects(second.start(), {
    code: 'listen_failed',
    message: `Cannot listen on 127.0.0.1:${running.port}: it is in use, or not an address of this machine`,
  });
  const client = await RawClient.connect(t, running.target);
  await client.fence();
});

t.test('a server starts once and stops once, however often it is asked', async (t) => {
  const { server, port, target } = await startLogged(t);
  t.match(await server.start(), { host: '127.0.0.1', port });
  const client = await RawClient.connect(t, target);
  await Promise.all([server.stop(), server.stop()]);
  t.equal((await within(client.closed, 'the close')).code, 4200);
  await server.stop();
  const never = createServer(configSchema.parse({ apps: [APP], auth: { enabled: false } }));
  await never.stop();
});

t.test(
  'a server that stops says on open connections that it is not ready, and closes its clients one after another',
  async (t) => {
    const { server, port, target, log } = await startLogged(t, { shutdownGraceSeconds: 2 });
    const clients = await Promise.all(Array.from({ length: 10 }, () => RawClient.connect(t, target)));
    const balancer = await RawSocket.connect(t, port);
    balancer.write('GET /ready HTTP/1.1\r\nHost: x\r\n\r\n');
    await balancer.until(/HTTP\/1\.1 200 OK[\s\S]*ready$/);
    const stopped = server.stop();
    balancer.write('GET /ready HTTP/1.1\r\nHost: x\r\n\r\n');
    await balancer.until(/HTTP\/1\.1 503 [\s\S]*not ready$/);
    const late = RawClient.open(t, target);
    await t.rejects(late.opened, { code: 'ECONNREFUSED' }, 'nobody else is let in');
    for (const client of clients) t.equal((await within(client.closed, 'the close')).code, 4200);
    await within(stopped, 'the end');
    t.match(log.at(-1), { msg: 'stopped' });
  },
);
