import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RUN_TYPESCRIPT } from '../../test/support/typescript.ts';
import type { LoadJob, LoadResult } from './load/load-run.ts';
import { pinned } from './server-process.ts';

/**
 * Runs the load process on all servers, in slices that take turns. Rejects with its sentence if a delivery was not
 * what it had to be.
 */
export function runLoadProcess(jobs: readonly LoadJob[], slices: number): Promise<LoadResult[]> {
  const main = fileURLToPath(new URL('load/main.ts', import.meta.url));
  const [file, args] = pinned(1, [process.execPath, RUN_TYPESCRIPT, main, JSON.stringify({ jobs, slices })]);
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const kill = (): boolean => child.kill('SIGKILL');
    process.once('exit', kill);
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += String(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors += String(text);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      process.removeListener('exit', kill);
      if (code === 0) resolve(JSON.parse(output));
      else reject(new Error(errors.trim()));
    });
  });
}
