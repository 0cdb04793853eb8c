import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { RUN_TYPESCRIPT } from '../support/typescript.ts';
import { Mutator } from './mutator.ts';
import { seedsOf } from './seeds.ts';
import { TARGETS } from './targets/index.ts';

/** `npm run fuzz` in its short form: what failed once, and some new inputs, the same in every run. */
const RUNS = 600;

for (const [target] of TARGETS) {
  t.test(`${target.name}: nothing but what is documented`, async (t) => {
    const seeds = seedsOf(target);
    for (const seed of seeds) await target.run(seed);
    const mutator = new Mutator(1, seeds, target.dictionary);
    let units = 0;
    for (let run = 0; run < RUNS; run += 1) {
      const input = mutator.next();
      try {
        units += await target.run(input);
      } catch (error) {
        t.error(error, JSON.stringify(input.toString('utf8')));
        return;
      }
    }
    t.ok(units >= RUNS);
  });
}

t.test('inputs are the same for the same seed, and others for another', async (t) => {
  const inputs = (seed: number) => {
    const mutator = new Mutator(seed, [Buffer.from('abcdef'), Buffer.from('xyz')], ['word']);
    return Array.from({ length: 20 }, () => mutator.next().toString('latin1'));
  };
  t.same(inputs(7), inputs(7));
  t.notSame(inputs(7), inputs(8));
  t.ok(new Set(inputs(7)).size > 10);
});

t.test('coverage leads to code that the seeds do not reach', async (t) => {
  const script = fileURLToPath(new URL('guided.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [RUN_TYPESCRIPT, script, 'names', '1', '1']);
  const [, kept = '', beyond = ''] = /, (\d+) kept; \d+ functions ran, and (\d+) characters/.exec(stdout) ?? [];
  t.ok(Number(kept) > 0 && Number(beyond) > 0, stdout);
});
