import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { unique } from '../support/names.ts';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { type Running, startLogged } from '../support/transport.ts';
import { until } from '../support/wait.ts';

const MB = 1024 * 1024;

/** A client that has stopped reading, and whose next subscription waits until it reads again. */
async function stuckClient(t: Test, { target }: Running, api: SignedApi): Promise<RawClient> {
  const channel = unique('c');
  const path = `/resume/${randomUUID()}/app/${target.key}?protocol=7`;
  const client = await RawClient.connect(t, target, { path });
  await client.subscribe(channel);
  client.socket.pause();
  // More than the kernel's buffers take, and less than makes it a slow reader.
  for (let sent = 0; sent < 200; sent += 1) await api.trigger(channel, 'e', 'x'.repeat(90_000));
  client.send({ event: 'pusher:subscribe', data: { channel: unique('waits') } });
  return client;
}

t.test('frames that wait behind a reader that has stopped are bounded in bytes', async (t) => {
  const server = await startLogged(t, {
    apps: [{ id: 'app-id', key: 'app-key', secret: 'app-secret', limits: { maxEventBytes: '100KB' } }],
    connections: { maxBackpressureBytes: '64MB', maxReceiveBytesPerSecond: '1GB' },
  });
  const api = new SignedApi(server.target);
  const clients = await Promise.all([1, 2, 3].map(() => stuckClient(t, server, api)));
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
  const frame = JSON.stringify({
    event: 'pusher:subscribe',
    data: { channel: 'big', auth: '', channel_data: 'x'.repeat(340_000) },
  });
  const closed = () => server.log.filter(({ msg }) => msg === 'connection closed').length;
  for (let sent = 0; sent < 60 && closed() < 3; sent += 1) {
    for (const client of clients) client.send(frame);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until(() => closed() === 3, 'all three are closed');
  const reasons = server.log.filter(({ msg }) => msg === 'connection closed').map(({ code, reason }) => [code, reason]);
  t.same(reasons, Array(3).fill([4100, 'The messages that wait to be handled are too large']));
  const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before;
  t.comment(`${Math.round(grown / MB)} MB more than before`);
  await until(() => server.log.filter(({ msg }) => msg === 'connection left').length === 3, 'all three have left');
});

t.test('a client event that is too large is refused at once, whatever waits', async (t) => {
  const server = await startLogged(t, {
    apps: [{ id: 'app-id', key: 'app-key', secret: 'app-secret', limits: { maxEventBytes: '100KB' } }],
    connections: { maxBackpressureBytes: '64MB', maxReceiveBytesPerSecond: '1GB' },
  });
  const client = await stuckClient(t, server, new SignedApi(server.target));
  for (let sent = 0; sent < 100; sent += 1) {
    client.send({ event: 'client-x', channel: 'private-c', data: 'x'.repeat(150_000) });
  }
  client.send({ event: 'pusher:ping' });
  client.socket.resume();
  await client.next('pusher:pong', 20_000);
  t.equal(client.unread('pusher:error').length, 100);
  t.equal(client.socket.readyState, 1, 'none of them waited');
});
