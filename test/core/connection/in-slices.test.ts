import t from 'tap';
import { inSlices } from '../../../src/core/connection/in-slices.ts';
import { turnsOf } from '../../support/turns.ts';

const items = Array.from({ length: 1000 }, (_, index) => index);

t.test('all in their order, with turns of the event loop in between', async (t) => {
  const done: number[] = [];
  const turns = await turnsOf(() =>
    inSlices(items, async (item) => {
      done.push(item);
    }),
  );
  t.same(done, items);
  t.ok(turns >= 9, `${turns} turns`);
});

t.test('one that fails keeps none from its turn, and is told in the end', async (t) => {
  const done: number[] = [];
  const act = async (item: number) => {
    if (item === 3) throw new Error('the third fails');
    done.push(item);
  };
  await t.rejects(inSlices(items, act), { message: 'the third fails' });
  t.equal(done.length, 999);
});

t.test('two that have much to do take turns', async (t) => {
  const done: string[] = [];
  const act = (name: string) => async () => {
    done.push(name);
  };
  await Promise.all([inSlices(items, act('a')), inSlices(items, act('b'))]);
  const half = done.slice(0, items.length);
  const ofFirst = half.filter((name) => name === 'a').length;
  t.ok(ofFirst > 400 && ofFirst < 600, `${ofFirst} of the first, of ${half.length}`);
});
