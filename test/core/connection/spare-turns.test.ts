import { once } from 'node:events';
import { createServer } from 'node:net';
import t from 'tap';
import { SpareTurns } from '../../../src/core/connection/spare-turns.ts';

/** Takes so many turns and gives what has begun so far. */
function many(turns: SpareTurns, count: number): number[] {
  const begun: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const turn = turns.take();
    if (turn === undefined) begun.push(n);
    else void turn.then(() => begun.push(n));
  }
  return begun;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

t.beforeEach(async (t) => {
  // The event loop counts as begun, as in a server.
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
});

t.test('a few begin at once, and the rest in its order', async (t) => {
  const begun = many(new SpareTurns(), 100);
  t.equal(begun.length, 5);
  await until(() => begun.length === 100);
  t.strictSame(
    begun,
    [...begun].sort((a, b) => a - b),
  );
});

t.test('while the loop is busy all the time, some begin each time a pause has passed', async (t) => {
  const begun = many(new SpareTurns(), 40);
  const beganMs = performance.now();
  while (begun.length < 40) await new Promise(setImmediate);
  const tookMs = performance.now() - beganMs;
  t.ok(tookMs >= 40, `40 took ${tookMs} ms`);
});

t.test('each that begins and keeps the loop busy lets it be idle for longer', async (t) => {
  const turns = new SpareTurns();
  const before = performance.eventLoopUtilization();
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      await turns.take();
      const untilMs = performance.now() + 0.2;
      while (performance.now() < untilMs);
    }),
  );
  const { utilization } = performance.eventLoopUtilization(before);
  t.ok(utilization < 0.6, `${utilization} of the time`);
});

t.test('after a pause they begin at once again', async (t) => {
  const turns = new SpareTurns();
  const begun = many(turns, 15);
  await until(() => begun.length === 15);
  await new Promise((resolve) => setTimeout(resolve, 40));
  t.equal(turns.take(), undefined);
});
