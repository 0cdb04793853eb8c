import t from 'tap';
import { LoopTurns } from '../../../src/core/connection/loop-turns.ts';

t.test('so much begins in each turn, in the order in which it came', async (t) => {
  const turns = new LoopTurns(10);
  const begun: number[] = [];
  const beginnings: number[] = [];
  for (let n = 0; n < 3000; n += 1) {
    const turn = turns.take();
    if (turn === undefined) begun.push(n);
    else void turn.then(() => begun.push(n));
  }
  t.equal(begun.length, 10, 'as many as may begin at once');
  while (begun.length < 3000) {
    const before = begun.length;
    await new Promise(setImmediate);
    beginnings.push(begun.length - before);
  }
  t.ok(Math.max(...beginnings) <= 20, 'never much more than that in one turn');
  t.strictSame(
    begun,
    [...begun].sort((a, b) => a - b),
  );
  await new Promise(setImmediate);
  t.equal(turns.take(), undefined, 'at once again');
});
