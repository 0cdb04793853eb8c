import { type LoadJob, runLoads } from './load-run.ts';

/**
 * The load process: takes the jobs and the number of slices as JSON in its only argument, prints their LoadResults as
 * JSON, and exits with 1 and a sentence if a delivery was not what it had to be. It is a process of its own so that
 * its CPU is not the servers'.
 */
const [argument] = process.argv.slice(2);
if (argument === undefined) throw new Error('usage: main.ts {"jobs":[…],"slices":6}');
const { jobs, slices }: { jobs: readonly LoadJob[]; slices: number } = JSON.parse(argument);
try {
  process.stdout.write(`${JSON.stringify(await runLoads(jobs, slices))}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
