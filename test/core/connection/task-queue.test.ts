import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import { waitingBytesOf } from '../../../src/core/connection/packed-messages.ts';
import { TaskQueue } from '../../../src/core/connection/task-queue.ts';
import { turnsOf } from '../../support/turns.ts';

const task = (run: () => Promise<void>, bytes = 0) => ({ run, bytes, isExtra: false, cost: 1 });
const nothing = task(async () => undefined);

/** Has a message wait that notes its text when its turn comes. */
function send(queue: TaskQueue, done: string[], text: string, isForOthers = false): void {
  queue.addMessage({ text, nowMs: 0, isForOthers, isExtra: false }, (message) =>
    task(async () => {
      done.push(message.text);
    }, waitingBytesOf(message)),
  );
}

/** A queue with a task under way, and what ends that. */
function busy() {
  const queue = new TaskQueue();
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  queue.add(task(() => ended));
  return { queue, end };
}

t.test('what a client sends takes effect in that order, whatever each waits for', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 30 }), async (waits) => {
      const queue = new TaskQueue();
      const done: number[] = [];
      let running = 0;
      let overlapped = false;
      const all = waits.map(
        (wait, index) =>
          new Promise<void>((resolve) => {
            const run = async () => {
              running += 1;
              overlapped ||= running > 1;
              if (wait > 0) await delay(wait - 1);
              running -= 1;
              done.push(index);
              resolve();
            };
            queue.add(task(run));
          }),
      );
      await Promise.all(all);
      return !overlapped && done.every((index, at) => index === at) && done.length === waits.length;
    }),
    { numRuns: 30 },
  );
});

t.test('a task begins at once if nothing is under way', async (t) => {
  const queue = new TaskQueue();
  let begun = false;
  t.equal(queue.idle, true);
  queue.add(
    task(async () => {
      begun = true;
    }),
  );
  t.equal(begun, true);
  t.equal(queue.idle, false);
  await new Promise(setImmediate);
  t.equal(queue.idle, true);
});

t.test('it says how much waits, and since when nothing has ended', async (t) => {
  const beforeMs = Date.now();
  const { queue, end } = busy();
  t.equal(queue.size, 0, 'what is under way does not wait');
  queue.add({ ...nothing, bytes: 10 });
  queue.add({ ...nothing, bytes: 5 });
  t.same([queue.size, queue.waitingBytes], [2, 15]);
  t.ok((queue.stillSinceMs ?? 0) >= beforeMs && (queue.stillSinceMs ?? 0) <= Date.now());
  end();
  await new Promise(setImmediate);
  t.same([queue.size, queue.waitingBytes, queue.stillSinceMs], [0, 0, undefined]);
});

t.test('the last task comes after the one under way, and those that wait are dropped', async (t) => {
  const { queue, end } = busy();
  const done: string[] = [];
  queue.add(
    task(async () => {
      done.push('waiting');
    }, 10),
  );
  queue.finish(async () => {
    done.push('last');
  }, false);
  t.same([queue.size, queue.waitingBytes], [1, 0]);
  t.strictSame(done, []);
  end();
  await new Promise(setImmediate);
  t.strictSame(done, ['last']);

  const idle = new TaskQueue();
  idle.finish(async () => {
    done.push('idle');
  }, false);
  t.strictSame(done.at(-1), 'idle', 'at once if nothing is under way');
});

t.test('what a client sent others before it closed is carried out, and nothing else of it', async (t) => {
  const { queue, end } = busy();
  const done: string[] = [];
  const note = (name: string) => async () => {
    done.push(name);
  };
  send(queue, done, 'event', true);
  send(queue, done, 'subscribe');
  queue.add(task(note('order'), 5));
  send(queue, done, 'event', true);
  queue.finish(note('last'), true);
  t.equal(queue.waitingBytes, 20);
  t.equal(queue.size, 3, 'the two events, and what is last');
  end();
  await new Promise(setImmediate);
  t.same(done, ['event', 'event', 'last']);
  t.equal(queue.waitingBytes, 0);
});

t.test('messages wait among other tasks, each in its place', async (t) => {
  const { queue, end } = busy();
  const done: string[] = [];
  const note = (name: string) =>
    queue.add(
      task(async () => {
        done.push(name);
      }),
    );
  send(queue, done, 'one');
  send(queue, done, 'three');
  note('other');
  send(queue, done, 'seven', true);
  t.same([queue.size, queue.waitingBytes], [4, 26]);
  end();
  while (!queue.idle) await new Promise(setImmediate);
  t.same(done.splice(0), ['one', 'three', 'other', 'seven']);
  t.same([queue.size, queue.waitingBytes], [0, 0]);

  send(queue, done, 'at once');
  await new Promise(setImmediate);
  t.same(done.splice(0), ['at once']);
});

t.test('much that comes while nothing is under way is done in slices as well', async (t) => {
  const queue = new TaskQueue();
  let done = 0;
  const turns = await turnsOf(async () => {
    for (let sent = 0; sent < 2000; sent += 1) {
      queue.add(
        task(async () => {
          done += 1;
        }),
      );
      // As after each message: what can be done at once is done before the next is looked at.
      for (let step = 0; step < 5; step += 1) await Promise.resolve();
    }
    t.ok(done <= 100, `${done} at once`);
    while (!queue.idle) await new Promise(setImmediate);
  });
  t.equal(done, 2000);
  t.ok(turns >= 15, `${turns} turns`);
});

t.test('one that has much to do holds nobody else up', async (t) => {
  const [flooder, other] = [new TaskQueue(), new TaskQueue()];
  let done = 0;
  for (let sent = 0; sent < 2000; sent += 1) {
    flooder.add(
      task(async () => {
        done += 1;
      }),
    );
  }
  await new Promise(setImmediate);
  const before = done;
  await new Promise<void>((resolve) => other.add(task(async () => resolve())));
  t.ok(before < 200 && done - before <= 100, `after ${before} and ${done - before} of its tasks`);
  while (!flooder.idle) await new Promise(setImmediate);
});

t.test('much that has waited is done in slices: others have their turns', async (t) => {
  const { queue, end } = busy();
  let done = 0;
  for (let waiting = 0; waiting < 2000; waiting += 1) {
    queue.add(
      task(async () => {
        done += 1;
      }),
    );
  }
  const turns = await turnsOf(async () => {
    end();
    while (!queue.idle) await new Promise(setImmediate);
  });
  t.equal(done, 2000);
  t.ok(turns >= 15, `${turns} turns`);
});

t.test('of many who bring something large, one is attended to in a turn', async (t) => {
  const queues = Array.from({ length: 20 }, () => new TaskQueue());
  let done = 0;
  const run = async () => {
    done += 1;
  };
  await new Promise(setImmediate);
  const turns = await turnsOf(async () => {
    for (const queue of queues) queue.add({ ...task(run), cost: 11 });
    while (done < queues.length) await new Promise(setImmediate);
  });
  t.ok(turns >= queues.length - 1, `${turns} turns`);
});

t.test('what one asks for beyond the usual waits for the event loop to have time, and keeps its place', async (t) => {
  const { queue, end } = busy();
  const done: number[] = [];
  for (let waiting = 0; waiting < 100; waiting += 1) {
    const run = async () => {
      done.push(waiting);
    };
    queue.add({ ...task(run), isExtra: waiting < 99 });
  }
  end();
  // As long as the loop is busy, others are not held up by more than a few of these at a time.
  const beforeMs = performance.now();
  let busyMs = 0;
  for (; busyMs < 5; busyMs = performance.now() - beforeMs) await new Promise(setImmediate);
  t.ok(done.length <= 30 + busyMs, `${done.length} in ${busyMs} ms of a busy loop`);
  while (!queue.idle) await new Promise(setImmediate);
  t.same(
    done,
    Array.from({ length: 100 }, (_, index) => index),
    'what is no extra does not overtake what came before it',
  );
});
