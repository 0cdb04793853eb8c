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

t.test('what costs more takes more of a turn, or a whole one, and nothing overtakes it', async (t) => {
  const turns = new LoopTurns(10);
  const turnOf: Record<string, number> = {};
  let now = 0;
  const begin = async (name: string, cost: number) => {
    await turns.take(cost);
    turnOf[name] = now;
  };
  const all = ['6', '4', '25', '1', '9', '2'].map((cost) => begin(cost, Number(cost)));
  await Promise.resolve();
  for (now = 1; now < 10; now += 1) await new Promise(setImmediate);
  await Promise.all(all);
  t.same(turnOf, { '6': 0, '4': 0, '25': 1, '1': 2, '9': 2, '2': 3 });
});
