import t from 'tap';
import { AuthRefusal, RuleTurns } from '../../src/auth/index.ts';
import { createMetrics } from '../../src/core/contracts/metrics.ts';

/** Rules that end when they are told. */
function start(limits: { atOnce: number; waiting: number; ofUser: number }) {
  const metrics = createMetrics();
  const turns = new RuleTurns(metrics, limits);
  const running = new Map<string, () => void>();
  const run = (user: string, name: string, maxWaitSeconds = 60) =>
    turns.run(user, maxWaitSeconds, async () => {
      await new Promise<void>((resolve) => running.set(name, resolve));
      running.delete(name);
      return name;
    });
  const held = () => metrics.bounds.map(({ name, held: now }) => [name, now()]);
  return { metrics, running, run, held };
}

const NOBODY = [
  ['rules', 0],
  ['rules-waiting', 0],
];

const turn = () => new Promise((resolve) => setImmediate(resolve));

t.test('so many rules run at once, and the others have their turns in the order in which they came', async (t) => {
  const { running, run, held } = start({ atOnce: 2, waiting: 10, ofUser: 10 });
  const all = ['a', 'b', 'c', 'd'].map((name) => run(name, name));
  await turn();
  t.strictSame([...running.keys()], ['a', 'b']);
  t.strictSame(held(), [
    ['rules', 2],
    ['rules-waiting', 2],
  ]);
  running.get('a')?.();
  await turn();
  t.strictSame([...running.keys()], ['b', 'c']);
  for (const name of ['b', 'c']) running.get(name)?.();
  await turn();
  running.get('d')?.();
  t.strictSame(await Promise.all(all), ['a', 'b', 'c', 'd']);
  t.strictSame(held(), NOBODY);
});

t.test('a turn that does not come in time, or for which too many wait, is a refusal', async (t) => {
  const { metrics, running, run, held } = start({ atOnce: 1, waiting: 1, ofUser: 10 });
  const first = run('a', 'a');
  const late = run('b', 'b', 0.02);
  await t.rejects(run('c', 'c'), { code: 'too_many_rules', kind: { status: 503 } });
  await t.rejects(late, { code: 'too_many_rules' });
  t.equal(metrics.refused.get('rules'), 1);
  t.equal(metrics.refused.get('rules-waiting'), 1);
  running.get('a')?.();
  t.equal(await first, 'a');
  t.strictSame(held(), NOBODY);
});

t.test('one user has so many under way, and a rule that fails gives its turn on', async (t) => {
  const { metrics, running, run } = start({ atOnce: 10, waiting: 10, ofUser: 2 });
  const under = [run('a', '1'), run('a', '2')];
  await t.rejects(run('a', '3'), AuthRefusal);
  const other = run('b', '4');
  await turn();
  t.strictSame([...running.keys()], ['1', '2', '4']);
  t.equal(metrics.refused.get('rules-of-user'), 1);
  for (const end of running.values()) end();
  await Promise.all([...under, other]);
  const turns = new RuleTurns(createMetrics(), { atOnce: 1, waiting: 0, ofUser: 1 });
  await t.rejects(
    turns.run('a', 1, () => Promise.reject(new Error('no'))),
    { message: 'no' },
  );
  t.equal(await turns.run('a', 1, async () => 'yes'), 'yes');
});
