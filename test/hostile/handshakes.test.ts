import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi, send } from '../support/signed-api.ts';
import { APP, startFanfare } from '../support/target.ts';
import { until, within } from '../support/wait.ts';

const target = await startFanfare(t);
const api = new SignedApi(target);
const port = Number(new URL(target.origin).port);
const UPGRADE = [
  `GET /app/${APP.key}?protocol=7 HTTP/1.1`,
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  '',
  '',
].join('\r\n');

async function tcp(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  t.teardown(() => socket.destroy());
  await within(once(socket, 'connect'), 'a TCP connection');
  return socket;
}

async function healthy(t: Test): Promise<void> {
  const client = await RawClient.connect(t, target);
  await client.subscribe('healthy');
  await api.trigger('healthy', 'e', '{"well":true}');
  t.equal((await client.next('e')).data, '{"well":true}', 'the server is well');
  await client.close();
}

t.test('sockets that are dropped anywhere in the handshake', async (t) => {
  for (let cut = 0; cut <= UPGRADE.length; cut += 9) {
    const socket = await tcp();
    socket.write(UPGRADE.slice(0, cut));
    if (cut % 2 === 0) socket.resetAndDestroy();
    else socket.destroy();
  }
  const whole = await Promise.all(Array.from({ length: 50 }, tcp));
  for (const socket of whole) {
    socket.write(UPGRADE);
    socket.resetAndDestroy();
  }
  await healthy(t);
  await until(async () => {
    const { json } = await api.get('/channels');
    return Object.keys((json as { channels: object }).channels).length === 0;
  }, 'nothing is left of them');
});

t.test('what is no HTTP, or hardly', async (t) => {
  const requests = [
    '\r\n\r\n',
    'garbage\r\n\r\n',
    '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
    'GET\r\n\r\n',
    'GET / HTTP/9.9\r\nHost: x\r\n\r\n',
    `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(500)}\r\n`,
    'GET /%00%ff%zz HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /app/%zz?protocol=%zz HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST /apps/app-id/events HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'POST /apps/app-id/events HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n',
    'POST /apps/app-id/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    UPGRADE.replace('13', '7'),
    UPGRADE.replace('dGhlIHNhbXBsZSBub25jZQ==', 'short'),
    UPGRADE.replace('Sec-WebSocket-Key', 'X-Other'),
    UPGRADE.replace(`/app/${APP.key}`, '/app/%E0%A4%A'),
    UPGRADE.replace(`/app/${APP.key}`, '/app/__proto__'),
    UPGRADE.replace('protocol=7', `protocol=${'7'.repeat(2000)}`),
  ];
  for (const request of requests) {
    const socket = await tcp();
    socket.write(request, 'latin1');
    socket.end();
    socket.resume();
  }
  await healthy(t);
});

t.test('a frame that is not masked, or is malformed, ends its connection', async (t) => {
  const frames = [
    [0x81, 0x02, 0x7b, 0x7d],
    [0xf1, 0x80, 0, 0, 0, 0],
    [0x83, 0x80, 0, 0, 0, 0],
    [0x89, 0xfe, 0xff, 0xff, 0, 0, 0, 0],
    [0x09, 0x80, 0, 0, 0, 0],
    [0x80, 0x80, 0, 0, 0, 0],
    [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
    [0x88, 0x81, 0, 0, 0, 0, 1],
  ];
  for (const bytes of frames) {
    const socket = await tcp();
    const ended = once(socket, 'close');
    socket.write(UPGRADE);
    await within(once(socket, 'data'), 'the answer to the upgrade');
    socket.resume();
    socket.write(Buffer.from(bytes));
    // An unmasked frame may be taken for an incomplete one; it must not be served.
    socket.end();
    await within(ended, `the end of a connection that sent ${Buffer.from(bytes).toString('hex')}`);
  }
  await healthy(t);
});

t.test('requests that are given up while they are under way', async (t) => {
  const body = JSON.stringify({ name: 'e', data: 'x'.repeat(50_000), channels: ['c'] });
  const { pathAndQuery } = api.sign({ method: 'POST', path: `/apps/${APP.id}/events`, body });
  const head = `POST ${pathAndQuery} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  for (const part of [head, head + body.slice(0, 10_000), head + body]) {
    for (let i = 0; i < 10; i += 1) {
      const socket = await tcp();
      socket.write(part);
      socket.resetAndDestroy();
    }
  }
  await healthy(t);
});

t.test('a body far over the limit is refused without being kept', async (t) => {
  const huge = Buffer.alloc(20 * 1024 * 1024, 'x');
  const answer = await send(target.origin, 'POST', `/apps/${APP.id}/events`, {}, huge).catch((error: unknown) => error);
  if (answer instanceof Error) t.match(answer, { code: /ECONNRESET|EPIPE/ }, 'the connection is cut');
  else t.match(answer, { status: 401 }, 'nobody has signed it');
  await healthy(t);
});
