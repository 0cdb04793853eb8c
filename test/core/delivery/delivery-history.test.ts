import fc from 'fast-check';
import t from 'tap';
import { DeliveryHistory } from '../../../src/core/delivery/delivery-history.ts';

t.test('an empty history knows nothing', async (t) => {
  const history = new DeliveryHistory();
  t.equal(history.offsetAt(0), undefined);
  t.equal(history.offsetAt(1000), undefined);
  t.equal(history.lastCount, 0);
});

t.test('deliveries far enough apart are told apart', async (t) => {
  const history = new DeliveryHistory();
  history.add(10, 1, 0);
  history.add(20, 2, 1000);
  history.add(30, 3, 2000);
  t.equal(history.offsetAt(9), undefined, 'it does not reach back so far');
  t.equal(history.offsetAt(10), 1);
  t.equal(history.offsetAt(19), 1);
  t.equal(history.offsetAt(20), 2);
  t.equal(history.offsetAt(1_000_000), 3);
  t.equal(history.lastCount, 30);
});

t.test('cleared, it knows nothing but that there were deliveries', async (t) => {
  const history = new DeliveryHistory();
  history.add(10, 1, 0);
  history.clear();
  t.equal(history.offsetAt(10), undefined);
  t.equal(history.lastCount, 10);
  history.add(11, 2, 1);
  t.equal(history.offsetAt(11), 2);
});

/** Counts and offsets as a node would add them: both grow, at random moments. */
const deliveries = fc.array(
  fc.record({
    counts: fc.integer({ min: 1, max: 5 }),
    offsets: fc.integer({ min: 1, max: 3 }),
    waitMs: fc.integer({ min: 0, max: 80 }),
  }),
  { minLength: 1, maxLength: 300 },
);

t.test('it never says more than what was delivered, and at most 50 ms less', async () => {
  fc.assert(
    fc.property(deliveries, (steps) => {
      const history = new DeliveryHistory();
      const all: { count: number; offset: number; atMs: number }[] = [];
      let [count, offset, atMs] = [0, 0, 0];
      for (const step of steps) {
        count += step.counts;
        offset += step.offsets;
        atMs += step.waitMs;
        history.add(count, offset, atMs);
        all.push({ count, offset, atMs });
      }
      for (let asked = 0; asked <= count + 1; asked += 1) {
        const exact = all.filter((entry) => entry.count <= asked).at(-1);
        const told = history.offsetAt(asked);
        if (exact === undefined) {
          if (told !== undefined) throw new Error(`count ${asked}: ${told} where nothing was delivered`);
          continue;
        }
        if (told !== undefined && told > exact.offset) throw new Error(`count ${asked}: ${told}, not ${exact.offset}`);
        const surely = all.filter((entry) => entry.count <= asked && exact.atMs - entry.atMs >= 50).at(-1);
        if (surely !== undefined && (told === undefined || told < surely.offset)) {
          throw new Error(`count ${asked}: ${told}, at least ${surely.offset} is known`);
        }
      }
      if (history.offsetAt(count) !== offset) throw new Error('the last delivery counts at once');
    }),
    { numRuns: 200 },
  );
});

t.test('it is bounded: of the past, only the beginning is forgotten', async (t) => {
  const history = new DeliveryHistory();
  for (let count = 1; count <= 50_000; count += 1) history.add(count, count, count * 50);
  t.equal(history.offsetAt(1), undefined);
  t.equal(history.offsetAt(41_000), undefined);
  for (const count of [46_000, 49_999, 50_000]) t.equal(history.offsetAt(count), count);
});

t.test('of a quiet topic too, it forgets what nobody can acknowledge any more', async (t) => {
  const history = new DeliveryHistory();
  const everyMs = 10_000;
  for (let count = 1; count <= 2000; count += 1) history.add(count, count, count * everyMs);
  t.equal(history.offsetAt(1900), undefined, 'a quarter of an hour ago');
  for (const count of [1970, 1999, 2000]) t.equal(history.offsetAt(count), count, 'within five minutes');
});

t.test('the last delivery is known however long ago it was', async (t) => {
  const history = new DeliveryHistory();
  history.add(1, 1, 0);
  t.equal(history.offsetAt(1000), 1);
  history.add(1001, 2, 24 * 3600 * 1000);
  t.equal(history.offsetAt(1000), 1, 'and the one before the next');
});
