import t from 'tap';
import { inSlices } from '../../../src/core/connection/in-slices.ts';

t.test('all in their order, with turns of the event loop in between', async (t) => {
  const items = Array.from({ length: 1000 }, (_, index) => index);
  const done: number[] = [];
  let turns = 0;
  let isOver = false;
  const turn = () => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await inSlices(
    items,
    (item) => {
      done.push(item);
    },
    100,
  );
  isOver = true;
  t.same(done, items);
  t.ok(turns >= 9, `${turns} turns`);
});
