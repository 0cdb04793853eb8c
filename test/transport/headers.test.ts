import t from 'tap';
import { RawClient } from '../support/raw-client.ts';
import { send } from '../support/signed-api.ts';
import { startFanfare } from '../support/target.ts';
import { RawSocket, startLogged } from '../support/transport.ts';
import { within } from '../support/wait.ts';

const KB = 1024;
const cookies = (bytes: number) => ({ Cookie: `session=${'a'.repeat(bytes)}` });

t.test('requests with many cookies are served, by default up to 32 KB of headers', async (t) => {
  const target = await startFanfare(t);
  t.equal((await send(target.origin, 'GET', '/ready', cookies(30 * KB))).status, 200);
  const client = await RawClient.connect(t, target, { headers: cookies(30 * KB) });
  await client.fence();
});

t.test('more is answered 431, which says what is too large, as the log does', async (t) => {
  const { target, port, logged } = await startLogged(t);
  const answer = await send(target.origin, 'GET', '/ready', { ...cookies(33 * KB), 'X-Own': 'small' });
  t.equal(answer.status, 431);
  t.match(answer.text, /^The headers have 33\d\d\d bytes, and may have 32768; the largest is cookie, with 338\d\d$/);
  const refused = 'headers refused: they are over http.maxHeaderBytes';
  const line = await logged(refused);
  t.match(line, { level: 40, ip: '127.0.0.1', path: '/ready', maxBytes: 32 * KB, largest: 'cookie' });
  t.notMatch(JSON.stringify(line), /aaaa/, 'cookies stay out of the log');
  const handshake = await RawSocket.connect(t, port);
  const upgrade = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x';
  handshake.write(`GET /app/${target.key} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\nCookie: ${'a'.repeat(33 * KB)}\r\n\r\n`);
  await handshake.until(/^HTTP\/1\.1 431 /);
  t.match(await logged(refused), { path: `/app/${target.key}`, largest: 'cookie' });
});

t.test('over twice as much uWebSockets.js answers so itself, and closes the connection', async (t) => {
  const target = await startFanfare(t);
  const socket = await RawSocket.connect(t, target.port);
  socket.write(`GET /ready HTTP/1.1\r\nHost: x\r\nCookie: ${'a'.repeat(65 * KB)}\r\n\r\n`);
  await socket.until(/^HTTP\/1\.1 431 /);
  await within(socket.ended, 'the end of the connection');
});

t.test('a second server in one process has a limit of its own, as far as that of the first goes', async (t) => {
  const small = await startLogged(t, { http: { maxHeaderBytes: '8KB' } });
  t.equal((await send(small.target.origin, 'GET', '/ready', cookies(9 * KB))).status, 431);
  const { logged } = await startLogged(t, { http: { maxHeaderBytes: '100KB' } });
  const line = await logged('http.maxHeaderBytes is bounded by that of the first server in this process');
  t.match(line, { level: 40, maxHeaderBytes: 100 * KB, holds: 64 * KB });
});
