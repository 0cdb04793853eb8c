import t from 'tap';
import { send } from '../support/signed-api.ts';
import { startFanfare } from '../support/target.ts';
import { RawSocket } from '../support/transport.ts';
import { within } from '../support/wait.ts';

const token = 'the-admin-token-of-the-hostile-test';
const target = await startFanfare(t, { admin: { port: 0, host: '127.0.0.1', token } });
const port = Number(new URL(target.adminOrigin).port);
const head = (path: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

t.test('nobody has a large body read before it is known who sends it', async (t) => {
  for (const [path, answer] of [
    ['/login', /^HTTP\/1\.1 413 /],
    ['/nothing', /^HTTP\/1\.1 413 /],
    ['/api/events', /^HTTP\/1\.1 401 /],
  ] as const) {
    const stranger = await RawSocket.connect(t, port);
    stranger.write(head(path, 1_000_000));
    await stranger.until(answer);
  }
  const body = JSON.stringify({ app: 'app-id', channel: 'c', name: 'e', data: 'x'.repeat(90_000) });
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const answer = await send(target.adminOrigin, 'POST', '/api/events', headers, body);
  t.equal(answer.status, 200, 'whoever has the token sends as much as an event may have');
});

t.test('a request that does not come to its end, and a connection that sends nothing', async (t) => {
  const strangers = await Promise.all([1, 2, 3].map(() => RawSocket.connect(t, port)));
  strangers[0]?.write(`${head('/login', 100)}{`);
  strangers[1]?.write('GET / HTTP/1.1\r\nHost: ');
  await Promise.all(strangers.map(({ ended }) => within(ended, 'the end of the connection', 15_000)));
});
