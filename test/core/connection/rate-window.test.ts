import t from 'tap';
import { RateWindow } from '../../../src/core/connection/rate-window.ts';

const takeMany = (window: RateWindow, count: number, nowMs: number, perSecond = 10) =>
  Array.from({ length: count }, () => window.take(nowMs, perSecond)).filter(Boolean).length;

t.test('so many in a second, and again in the next', async (t) => {
  const window = new RateWindow();
  t.equal(takeMany(window, 15, 5_000), 10);
  t.equal(takeMany(window, 15, 5_999), 0, 'the same second');
  t.equal(takeMany(window, 4, 6_000), 4);
  t.equal(takeMany(window, 15, 6_500), 6);
  t.equal(takeMany(window, 15, 60_000), 10, 'nothing is saved up');
});

t.test('0 is no limit', async (t) => {
  t.equal(takeMany(new RateWindow(), 10_000, 1_000, 0), 10_000);
});

t.test('a limit that is changed holds at once', async (t) => {
  const window = new RateWindow();
  t.equal(takeMany(window, 15, 5_000, 10), 10);
  t.equal(takeMany(window, 15, 5_000, 12), 2);
  t.equal(takeMany(window, 1, 5_000, 5), 0);
});
