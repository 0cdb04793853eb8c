import t from 'tap';
import { startRedis } from '../support/redis-server.ts';
import { SignedApi } from '../support/signed-api.ts';
import { type StartedFanfare, startFanfare } from '../support/target.ts';
import { RawSocket } from '../support/transport.ts';
import { within } from '../support/wait.ts';

function trigger(target: StartedFanfare): string {
  const body = JSON.stringify({ name: 'e', channels: ['c'], data: '{}' });
  const { pathAndQuery } = new SignedApi(target).sign({ method: 'POST', path: '/apps/app-id/events', body });
  return `POST ${pathAndQuery} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

const redis = await startRedis();
t.teardown(() => redis.stop());

t.test('a request that comes behind one that is pending is answered after it', async (t) => {
  const target = await startFanfare(t, { redis: { url: redis.url, acceptTimeoutSeconds: 1 } });
  const socket = await RawSocket.connect(t, target.port);
  redis.signal('SIGSTOP');
  socket.write(trigger(target));
  // The second comes while the first waits for Redis, and in a packet of its own.
  const ready = await RawSocket.connect(t, target.port);
  ready.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await ready.until(/OK$/);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await socket.until(/^HTTP\/1\.1 503 [\s\S]*HTTP\/1\.1 200 OK[\s\S]*OK$/);
  redis.signal('SIGCONT');
  socket.write(trigger(target));
  await socket.until(/\{\}$/);
});

t.test('a request that is pending is answered 503 by a server that stops', async (t) => {
  const target = await startFanfare(t, {
    redis: { url: redis.url, acceptTimeoutSeconds: 60 },
    shutdownGraceSeconds: 1,
  });
  const socket = await RawSocket.connect(t, target.port);
  redis.signal('SIGSTOP');
  t.teardown(() => redis.signal('SIGCONT'));
  socket.write(trigger(target));
  const behind = await RawSocket.connect(t, target.port);
  behind.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await behind.until(/OK$/);
  const stopped = target.stop();
  await socket.until(/^HTTP\/1\.1 503 Service Unavailable[\s\S]*Retry-After: \d+[\s\S]*again$/i);
  redis.signal('SIGCONT');
  await within(stopped, 'the stop', 20_000);
});
