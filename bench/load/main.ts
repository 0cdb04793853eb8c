import { type LoadJob, runLoad } from './load-run.ts';

/**
 * The load process: takes a LoadJob as JSON in its only argument, prints a LoadResult as JSON, and exits with 1 and a
 * sentence where a delivery was not what it had to be. It is a process of its own so that its CPU is not the server's.
 */
const [argument] = process.argv.slice(2);
if (argument === undefined) throw new Error('usage: main.ts JOB');
const job: LoadJob = JSON.parse(argument);
try {
  process.stdout.write(`${JSON.stringify(await runLoad(job))}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
