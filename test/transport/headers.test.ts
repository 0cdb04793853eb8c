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

t.test('more is answered 431, and the connection is closed', async (t) => {
  const target = await startFanfare(t);
  const socket = await RawSocket.connect(t, target.port);
  socket.write(`GET /ready HTTP/1.1\r\nHost: x\r\nCookie: ${'a'.repeat(33 * KB)}\r\n\r\n`);
  await socket.until(/^HTTP\/1\.1 431 /);
  await within(socket.ended, 'the end of the connection');
});

t.test('a second server in one process is told that the limit of the first holds', async (t) => {
  const { logged } = await startLogged(t, { http: { maxHeaderBytes: '8KB' } });
  const line = await logged('http.maxHeaderBytes is that of the first server in this process');
  t.match(line, { level: 40, maxHeaderBytes: 8 * KB, holds: 32 * KB });
});
