import { connect, type Socket } from 'node:net';
import Fastify from 'fastify';
import t, { type Test } from 'tap';
import type { ClusterTail } from '../../src/admin/cluster-tail.ts';
import type { TailBatch } from '../../src/admin/tail.ts';
import { registerTail } from '../../src/admin/tail-stream.ts';
import { until } from '../support/wait.ts';

const KEEP_ALIVE_MS = 300;
const ASKED = '/api/tail HTTP/1.1\r\nHost: x\r\n\r\n';

/** Tails that are open, and what each is given. */
async function start(t: Test) {
  const open = new Set<(batch: TailBatch) => void>();
  const tail: Pick<ClusterTail, 'open'> = {
    open(_, take) {
      open.add(take);
      return () => void open.delete(take);
    },
  };
  const server = Fastify({ forceCloseConnections: true });
  registerTail(server, tail, KEEP_ALIVE_MS);
  t.teardown(() => server.close());
  await server.listen({ host: '127.0.0.1', port: 0 });
  const address = server.server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const ask = (text: string): Socket => {
    const socket = connect(port, '127.0.0.1');
    t.teardown(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.write(text);
    return socket;
  };
  return { open, ask };
}

t.test('a tail ends with its connection, and one connection has one', async (t) => {
  const { open, ask } = await start(t);
  const one = ask(`GET ${ASKED}`.repeat(10));
  await until(() => open.size > 0, 'it is open');
  const other = ask(`GET ${ASKED}`);
  await until(() => open.size > 1, 'and another one');
  t.equal(open.size, 2, 'what waits behind a tail opens none');
  one.destroy();
  await until(() => open.size === 1, 'the first has ended');
  other.destroy();
  await until(() => open.size === 0, 'and so has the other');
});

t.test('HEAD opens none, since nothing would be said', async (t) => {
  const { open, ask } = await start(t);
  let answer = '';
  ask(`HEAD ${ASKED}`).on('data', (bytes) => {
    answer += String(bytes);
  });
  await until(() => answer.startsWith('HTTP/1.1 404'), 'it is answered');
  t.equal(open.size, 0);
});

t.test('who reads nothing any more is cut, and who reads slowly is not', async (t) => {
  const { open, ask } = await start(t);
  const entries = [{ data: 'x'.repeat(100_000) }] as unknown as TailBatch['entries'];
  const stuck = ask(`GET ${ASKED}`).pause();
  await until(() => open.size === 1, 'it is open');
  const slow = ask(`GET ${ASKED}`);
  slow.on('data', () => slow.pause());
  await until(() => open.size === 2, 'both are');
  const feeding = setInterval(() => {
    for (const take of open) take({ entries, skipped: 0 });
  }, 1);
  const reading = setInterval(() => slow.resume(), 2);
  t.teardown(() => clearInterval(feeding));
  t.teardown(() => clearInterval(reading));
  await until(() => open.size === 1, 'the one that is stuck has ended');
  const before = slow.bytesRead;
  await until(() => slow.bytesRead > before + 10_000_000, 'the other reads on');
  t.equal(open.size, 1);
  stuck.destroy();
});
