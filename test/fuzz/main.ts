/**
 * Throws at what strangers reach whatever a million mutations find, and then lets coverage lead the way. What fails
 * becomes a seed.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Option, runCommand, type Values } from '../../bench/support/command.ts';
import { RUN_TYPESCRIPT } from '../support/typescript.ts';
import { Mutator } from './mutator.ts';
import { keepSeed, seedsOf } from './seeds.ts';
import { TARGETS } from './targets/index.ts';
import type { FuzzTarget } from './targets/target.ts';

const ABOUT = `npm run fuzz -- [options]: mutated frames, requests, names, signatures, settings and tokens, a million
frames and 100,000 requests among them; then the same targets led by coverage. Ends with 1 if the server did anything
that is not documented; the input is then kept in test/fuzz/seeds/, and every later run of the tests begins with it.`;

const OPTIONS = {
  only: { what: `one target: ${TARGETS.map(([{ name }]) => name).join(', ')}`, text: 'NAME' },
  percent: { what: 'of the usual number of mutations', count: 100, quick: 2, most: 10_000 },
  seed: { what: 'of the mutations; 0 draws one', count: 0, least: 0, most: 0xffffffff },
  guided: {
    what: 'seconds led by coverage, for each target; 0 leaves it out',
    count: 30,
    quick: 5,
    least: 0,
    most: 86_400,
  },
} as const satisfies Readonly<Record<string, Option>>;

/** Frames or requests, whichever the target takes; throws after it has kept the input that failed. */
async function mutate(target: FuzzTarget, runs: number, seed: number): Promise<number> {
  const seeds = seedsOf(target);
  const mutator = new Mutator(seed, seeds, target.dictionary);
  let units = 0;
  for (let run = -seeds.length; run < runs; run += 1) {
    const input = (run < 0 ? seeds[run + seeds.length] : undefined) ?? mutator.next();
    try {
      units += await target.run(input);
    } catch (error) {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const file = run < 0 ? 'a seed' : keepSeed(target, input);
      throw new Error(`${target.name}, seed ${seed}: ${reason}\nkept: ${file}\n${JSON.stringify(input.toString())}`);
    }
  }
  return units;
}

/** False if the target failed, led by coverage. */
function guided(target: FuzzTarget, seconds: number, seed: number): boolean {
  const script = fileURLToPath(new URL('guided.ts', import.meta.url));
  const args = [RUN_TYPESCRIPT, script, target.name, String(seconds), String(seed)];
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status === 0;
}

async function main(options: Values<typeof OPTIONS>): Promise<number> {
  const chosen = TARGETS.filter(([{ name }]) => options.only === undefined || name === options.only);
  if (chosen.length === 0) throw new RangeError(`--only knows ${TARGETS.map(([{ name }]) => name).join(', ')}`);
  const seed = options.seed === 0 ? Date.now() >>> 0 : options.seed;
  console.log(`seed ${seed}`);
  for (const [target, usual] of chosen) {
    const runs = Math.ceil((usual * options.percent) / 100);
    const begun = performance.now();
    const units = await mutate(target, runs, seed);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    console.log(
      `${target.name.padEnd(14)} ${String(runs).padStart(8)} inputs, ${units} frames or requests, ${seconds} s`,
    );
  }
  if (options.guided === 0) return 0;
  for (const [target] of chosen) if (!guided(target, options.guided, seed)) return 1;
  return 0;
}

await runCommand(ABOUT, OPTIONS, main);
process.exit();
