import { mock } from 'node:test';
import t from 'tap';
import { loggedClose } from '../../../src/core/connection/close.ts';
import type { Connection } from '../../../src/core/connection/connection.ts';
import { ConnectionTasks, type WaitingLimits } from '../../../src/core/connection/connection-tasks.ts';
import { createMetrics } from '../../../src/core/contracts/metrics.ts';
import { type FakeSocket, fakeConnection, recordingLogger } from '../../support/fakes.ts';

const LIMITS = { maxWaitingBytes: 1000, maxWaitingBytesOfNode: 2500, maxWaitSeconds: 60 };

const message = (characters: number) => ({
  ...{ text: 'x'.repeat(characters), nowMs: 0 },
  ...{ isForOthers: true, isExtra: false },
});

/** Connections whose first task never ends, so that all that follows waits. */
function setUp(count: number, limits: WaitingLimits = LIMITS) {
  const metrics = createMetrics();
  const { logger } = recordingLogger();
  const tasks = new ConnectionTasks(() => limits, loggedClose(metrics, logger), metrics, logger);
  const ends: (() => void)[] = [];
  const connections = Array.from({ length: count }, () => fakeConnection());
  for (const connection of connections) {
    tasks.enqueue(connection, { run: () => new Promise<void>((resolve) => ends.push(resolve)) });
  }
  tasks.start(connections);
  t.teardown(() => tasks.stop());
  const wait = (connection: Connection, characters: number) =>
    tasks.wait(connection, message(characters), () => ({ run: async () => undefined }));
  const closes = (connection: Connection) =>
    (connection.socket as FakeSocket).calls.filter((call) => call.startsWith('close'));
  const [bound] = metrics.bounds;
  return { tasks, connections, wait, closes, held: () => bound?.held(), metrics, ends };
}

t.test('so many tasks may wait', async (t) => {
  const { connections, wait, closes } = setUp(1);
  const [connection] = connections as [Connection];
  for (let waiting = 0; waiting < 5000; waiting += 1) wait(connection, 0);
  t.same(closes(connection), []);
  wait(connection, 0);
  t.same(closes(connection), ['close 4100']);
});

t.test('so many bytes may wait; a single message always may', async (t) => {
  const { connections, wait, closes, held } = setUp(1);
  const [connection] = connections as [Connection];
  wait(connection, 900);
  t.same(closes(connection), [], 'it is no larger than the transport lets it be');
  wait(connection, 1);
  t.same(closes(connection), ['close 4100']);
  t.equal(held(), 1800);
});

t.test('the node has a bound too: whoever has the most waiting is closed', async (t) => {
  const { connections, wait, closes, tasks, held, metrics } = setUp(4);
  const [small, large, medium, last] = connections as [Connection, Connection, Connection, Connection];
  wait(small, 50);
  wait(large, 490);
  wait(medium, 400);
  wait(last, 320);
  t.same([small, large, medium, last].map(closes), [[], ['close 4100'], [], []]);
  t.equal(metrics.refused.get('waiting-bytes'), 1);
  large.closed = true;
  tasks.finish(large, async () => undefined, false);
  t.equal(held(), (50 + 400 + 320) * 2, 'what it had is given back');
});

t.test('what waits is given back when it is done', async (t) => {
  const { connections, wait, held, ends } = setUp(2);
  for (const connection of connections) wait(connection, 100);
  t.equal(held(), 400);
  for (const end of ends) end();
  await new Promise(setImmediate);
  t.equal(held(), 0);
});

t.test('a wait is bounded in time: of a turn, and until it', async (t) => {
  mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_000_000 });
  t.teardown(() => mock.timers.reset());
  const { connections, closes, tasks } = setUp(1);
  const idle = fakeConnection();
  tasks.stop();
  tasks.start([...connections, idle]);
  mock.timers.tick(59_000);
  t.same(closes(connections[0] as Connection), []);
  mock.timers.tick(2_000);
  t.same(closes(connections[0] as Connection), ['close 4100']);
  t.same(closes(idle), []);
});

t.test('long after a connection has gone, nothing of it is carried out', async (t) => {
  mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_000_000 });
  t.teardown(() => mock.timers.reset());
  const { connections, tasks, held, ends } = setUp(1);
  const [connection] = connections as [Connection];
  let carriedOut = 0;
  for (let sent = 0; sent < 3; sent += 1) {
    const run = async () => {
      carriedOut += 1;
      mock.timers.tick(3000);
    };
    tasks.wait(connection, message(10), () => ({ run }));
  }
  connection.closed = true;
  connection.closedMs = Date.now();
  tasks.finish(connection, async () => undefined, true);
  for (const end of ends) end();
  await new Promise(setImmediate);
  t.equal(carriedOut, 2, 'the third would come after six seconds');
  t.equal(held(), 0);
});
