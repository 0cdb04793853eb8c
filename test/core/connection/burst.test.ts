import t from 'tap';
import { Burst } from '../../../src/core/connection/burst.ts';

const taken = (burst: Burst, count: number, nowMs: number) =>
  Array.from({ length: count }, () => burst.take(nowMs)).filter((isUsual) => isUsual).length;

t.test('so many at once are as usual, and some in each second after that', async (t) => {
  const burst = new Burst(50, 1000);
  t.equal(taken(burst, 60, 1000), 50);
  t.equal(taken(burst, 60, 1100), 0);
  t.equal(taken(burst, 60, 3000), 10);
  t.equal(taken(burst, 60, 1_000_000), 50, 'never more than at first');
});

t.test('asking again and again does not keep it from being filled', async (t) => {
  const burst = new Burst(50, 0);
  taken(burst, 50, 0);
  let usual = 0;
  for (let nowMs = 1; nowMs <= 1000; nowMs += 1) usual += taken(burst, 1, nowMs);
  t.ok(usual === 4 || usual === 5, `${usual} in a second`);
});

t.test('0 is no limit', async (t) => {
  t.equal(taken(new Burst(0, 0), 10_000, 1), 10_000);
});
