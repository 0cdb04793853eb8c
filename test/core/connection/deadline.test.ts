import { mock } from 'node:test';
import t from 'tap';
import { Deadline } from '../../../src/core/connection/deadline.ts';

const START_MS = 1_767_225_600_000;
const DAY_MS = 24 * 60 * 60 * 1000;

t.beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'], now: START_MS }));
t.afterEach(() => mock.timers.reset());

t.test('it is reached at its moment, once, near or far', async (t) => {
  for (const days of [1, 24, 25, 60, 365]) {
    const deadline = new Deadline();
    let reached = 0;
    deadline.set(Date.now() + days * DAY_MS, () => {
      reached += 1;
    });
    for (let day = 0; day < days - 1; day += 1) mock.timers.tick(DAY_MS);
    mock.timers.tick(DAY_MS - 1);
    t.equal(reached, 0, `${days} days: not yet`);
    mock.timers.tick(1);
    t.equal(reached, 1, `${days} days: reached`);
    mock.timers.tick(30 * DAY_MS);
    t.equal(reached, 1);
  }
});

t.test('a moment that has passed is reached at once', async (t) => {
  let reached = false;
  new Deadline().set(START_MS - DAY_MS, () => {
    reached = true;
  });
  t.equal(reached, false, 'not within the call');
  mock.timers.tick(1);
  t.equal(reached, true);
});

t.test('a later one replaces it, and it can be cleared', async (t) => {
  const reached: string[] = [];
  const deadline = new Deadline();
  deadline.clear();
  deadline.set(START_MS + 1000, () => reached.push('first'));
  deadline.set(START_MS + 2000, () => reached.push('second'));
  mock.timers.tick(5000);
  t.strictSame(reached, ['second']);
  deadline.set(START_MS + 60 * DAY_MS, () => reached.push('third'));
  mock.timers.tick(30 * DAY_MS);
  deadline.clear();
  mock.timers.tick(60 * DAY_MS);
  t.strictSame(reached, ['second']);
});
