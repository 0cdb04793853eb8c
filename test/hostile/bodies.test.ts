import { readFileSync } from 'node:fs';
import t from 'tap';
import { startServer } from '../support/cli.ts';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { APP, startFanfare, targetAt } from '../support/target.ts';
import { RawSocket } from '../support/transport.ts';
import { within } from '../support/wait.ts';

const MB = 1024 * 1024;
const CHUNKED = 'POST /apps/app-id/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';

/** The head of a request that a backend has signed, of whatever body. */
function signedHead(api: SignedApi): string {
  const { pathAndQuery } = api.sign({ method: 'POST', path: '/apps/app-id/events', body: 'of another body' });
  return `POST ${pathAndQuery} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;
}

function chunk(bytes: number): string {
  return `${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n`;
}

function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

const onLinux = process.platform === 'linux' ? {} : { skip: 'reads /proc' };

t.test(
  'anonymous bodies in one-byte chunks take no memory worth the name, and others are served',
  onLinux,
  async (t) => {
    const { server, port, url } = await startServer(t, [], { FANFARE_AUTH_ENABLED: 'false' });
    const api = new SignedApi(targetAt(url, APP));
    await api.get('/channels');
    const before = residentBytes(server.child.pid ?? 0);
    const attackers = await Promise.all(Array.from({ length: 8 }, () => RawSocket.connect(t, port)));
    for (const attacker of attackers) {
      attacker.write(CHUNKED);
      attacker.write('1\r\nx\r\n'.repeat(500_000));
    }
    await Promise.all(attackers.map((attacker) => within(attacker.ended, 'the end of the connection', 20_000)));
    for (const { text } of attackers) t.equal(text, '', 'cut at once: an answer would come behind all that was sent');
    const grown = (residentBytes(server.child.pid ?? 0) - before) / MB;
    t.ok(grown < 100, `24 MB sent took ${Math.round(grown)} MB`);
    t.not((await api.get('/channels')).status, 503);
  },
);

t.test('all bodies under way have one budget: who holds most gives way, and small ones are served', async (t) => {
  const apps = [{ ...APP, limits: { maxEventBytes: 100 * 1024 } }];
  const target = await startFanfare(t, { apps, http: { maxBodiesBytes: '4MB' } });
  const api = new SignedApi(target);
  const hoarders = await Promise.all(Array.from({ length: 6 }, () => RawSocket.connect(t, target.port)));
  for (const [index, hoarder] of hoarders.entries()) {
    hoarder.write(signedHead(api));
    hoarder.write(chunk(64 * 1024).repeat(16 + index));
  }
  await Promise.race(hoarders.map((hoarder) => hoarder.until(/^HTTP\/1\.1 503 [\s\S]*under way/)));
  const data = 'x'.repeat(64 * 1024);
  for (let i = 0; i < 5; i += 1) {
    t.equal((await api.post('/events', { name: 'e', channels: ['c'], data })).status, 200, 'a small body is served');
  }
  t.ok(
    hoarders.some(({ text }) => text === ''),
    'no more gave way than had to',
  );
  for (const hoarder of hoarders) hoarder.socket.destroy();
});

t.test('whoever is refused whatever the body is refused before it has come', async (t) => {
  const target = await startFanfare(t);
  const anonymous = await RawSocket.connect(t, target.port);
  anonymous.write(CHUNKED + chunk(1000));
  await anonymous.until(/^HTTP\/1\.1 401 Unauthorized[\s\S]*auth_key is missing/);
  await within(anonymous.ended, 'the end of the connection');
  const wrong = await RawSocket.connect(t, target.port);
  wrong.write(signedHead(new SignedApi(target)).replace('auth_version=1.0', 'auth_version=2.0') + chunk(1000));
  await wrong.until(/^HTTP\/1\.1 401 /);
});

t.test('what a body held is given back, whatever became of it', async (t) => {
  const target = await startFanfare(t, { http: { maxBodiesBytes: '8MB' } });
  const api = new SignedApi(target);
  for (let round = 0; round < 4; round += 1) {
    const aborted = await RawSocket.connect(t, target.port);
    aborted.write(signedHead(api) + chunk(64 * 1024).repeat(20));
    const tooLarge = await RawSocket.connect(t, target.port);
    tooLarge.write(signedHead(api) + chunk(64 * 1024).repeat(60));
    await tooLarge.until(/^HTTP\/1\.1 413 /);
    const unsigned = await RawSocket.connect(t, target.port);
    unsigned.write(`${signedHead(api) + chunk(64 * 1024).repeat(20)}0\r\n\r\n`);
    await unsigned.until(/^HTTP\/1\.1 401 [\s\S]*Invalid body_md5/);
    aborted.socket.destroy();
    await within(aborted.ended, 'the end of the connection');
  }
  const large = await api.post('/batch_events', {
    batch: Array.from({ length: 10 }, () => ({ name: 'e', channel: 'c', data: 'x'.repeat(100 * 1024) })),
  });
  t.equal(large.status, 200);
});

t.test('a body that does not arrive in time is refused with 408', async (t) => {
  const target = await startFanfare(t, { http: { bodyTimeoutSeconds: 1 } });
  const slow = await RawSocket.connect(t, target.port);
  slow.write(signedHead(new SignedApi(target)) + chunk(100));
  await slow.until(/^HTTP\/1\.1 408 Request Timeout[\s\S]*within 1 s/);
  await within(slow.ended, 'the end of the connection');
  const client = await RawClient.connect(t, target);
  await client.fence();
});

t.test('many chunks are fine if they are of a size', async (t) => {
  const target = await startFanfare(t);
  const socket = await RawSocket.connect(t, target.port);
  const { pathAndQuery, body } = signedBatch(new SignedApi(target));
  socket.write(`POST ${pathAndQuery} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
  for (let at = 0; at < body.length; at += 100) {
    const piece = body.slice(at, at + 100);
    socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
  }
  socket.write('0\r\n\r\n');
  await socket.until(/^HTTP\/1\.1 200 OK[\s\S]*\{\}$/);
});

/** Half a megabyte: over 5,000 chunks of 100 bytes. */
function signedBatch(api: SignedApi): { pathAndQuery: string; body: string } {
  const batch = Array.from({ length: 6 }, () => ({ name: 'e', channel: 'c', data: 'x'.repeat(90_000) }));
  const body = JSON.stringify({ batch });
  return { pathAndQuery: api.sign({ method: 'POST', path: '/apps/app-id/batch_events', body }).pathAndQuery, body };
}
