/**
 * Lets coverage lead: an input that makes code run which no other did is kept, and changed further. A process of its
 * own, `guided.ts TARGET SECONDS SEED`, since the counters have to run before the code is loaded, and slow it down.
 */
import { Coverage } from './coverage.ts';
import { Mutator } from './mutator.ts';

/** One look at the counters costs as much as many runs. */
const BATCH = 40;

const [name = '', seconds = '10', seed = '1'] = process.argv.slice(2);
const coverage = new Coverage(
  (url) => url.startsWith('file:') && url.includes('/src/') && !url.includes('node_modules'),
);
const { TARGETS } = await import('./targets/index.ts');
const { keepSeed, seedsOf } = await import('./seeds.ts');
const target = TARGETS.find(([candidate]) => candidate.name === name)?.[0];
if (target === undefined) throw new RangeError(`there is no target ${name}`);

const corpus = seedsOf(target);
const begun = corpus.length;
for (const input of corpus) await target.run(input);
coverage.hasNew(true);
const atFirst = coverage.characters;
const mutator = new Mutator(Number(seed), corpus, target.dictionary);
const deadline = performance.now() + Number(seconds) * 1000;
let inputs = 0;
let units = 0;

async function run(input: Buffer): Promise<void> {
  try {
    units += (await target?.run(input)) ?? 0;
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const file = target === undefined ? '' : keepSeed(target, input);
    console.error(`${name}, led by coverage: ${reason}\nkept: ${file}\n${JSON.stringify(input.toString())}`);
    process.exit(1);
  }
}

while (performance.now() < deadline) {
  const batch = Array.from({ length: BATCH }, () => mutator.next());
  for (const input of batch) await run(input);
  inputs += BATCH;
  if (!coverage.hasNew(false)) continue;
  // One of them, or several: each again by itself.
  for (const input of batch) {
    await run(input);
    if (coverage.hasNew(true)) corpus.push(input);
  }
}
const grown = coverage.characters - atFirst;
console.log(
  `${name.padEnd(14)} ${String(inputs).padStart(8)} inputs led by coverage, ${units} frames or requests, ` +
    `${corpus.length - begun} kept; ${coverage.functions} functions ran, and ${grown} characters of code beyond the seeds'`,
);
process.exit();
