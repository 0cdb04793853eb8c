import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import { type FakeSocket, fakeConnection } from '../../support/fakes.ts';

t.test('what a client sends takes effect in that order, whatever each waits for', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 30 }), async (waits) => {
      const connection = fakeConnection();
      const done: number[] = [];
      let running = 0;
      let overlapped = false;
      const all = waits.map(
        (wait, index) =>
          new Promise<void>((resolve) => {
            connection.enqueue(async () => {
              running += 1;
              overlapped ||= running > 1;
              if (wait > 0) await delay(wait - 1);
              running -= 1;
              done.push(index);
              resolve();
            });
          }),
      );
      await Promise.all(all);
      return !overlapped && done.every((index, at) => index === at) && done.length === waits.length;
    }),
    { numRuns: 30 },
  );
});

t.test('a task begins at once where nothing waits', async (t) => {
  const connection = fakeConnection();
  let begun = false;
  t.equal(connection.idle, true);
  connection.enqueue(async () => {
    begun = true;
  });
  t.equal(begun, true);
  t.equal(connection.idle, false);
  await new Promise(setImmediate);
  t.equal(connection.idle, true);
});

t.test('so many may wait', async (t) => {
  const connection = fakeConnection();
  let finish = () => {};
  const first = new Promise<void>((resolve) => {
    finish = resolve;
  });
  connection.enqueue(() => first);
  let run = 0;
  const task = async () => {
    run += 1;
  };
  const taken = Array.from({ length: 5000 }, () => connection.enqueue(task));
  t.ok(taken.every(Boolean));
  t.equal(connection.enqueue(task), false);
  finish();
  await new Promise(setImmediate);
  t.equal(run, 5000);
  t.equal(connection.enqueue(task), true, 'there is room again');
});

t.test('the last task comes after the one under way, and those that wait are dropped', async (t) => {
  const connection = fakeConnection();
  const done: string[] = [];
  let finish = () => {};
  connection.enqueue(async () => {
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    done.push('first');
  });
  connection.enqueue(async () => {
    done.push('waiting');
  });
  connection.finish(async () => {
    done.push('last');
  });
  t.strictSame(done, []);
  finish();
  await new Promise(setImmediate);
  t.strictSame(done, ['first', 'last']);

  const idle = fakeConnection();
  idle.finish(async () => {
    done.push('idle');
  });
  t.strictSame(done.at(-1), 'idle', 'at once where nothing is under way');
});

t.test('errors are told without closing', async (t) => {
  const connection = fakeConnection();
  connection.sendError(4301, 'Too many', 'private-x');
  connection.sendError(null, 'No');
  const { calls } = connection.socket as FakeSocket;
  t.strictSame(calls, [
    'send {"event":"pusher:error","data":{"code":4301,"message":"Too many"},"channel":"private-x"}',
    'send {"event":"pusher:error","data":{"code":null,"message":"No"}}',
  ]);
});
