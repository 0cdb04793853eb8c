import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export const ROOT = new URL('../../', import.meta.url).pathname;

/** A step that did not go as it should; the message says how. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';
}

/** Runs `docker ARGS…` in the project; answers with what it printed. Rejects with what it said where it fails. */
export async function docker(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  return await command('docker', args, env);
}

export async function command(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  try {
    const options = { cwd: ROOT, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
    const { stdout, stderr } = await execute(name, [...args], options);
    return `${stdout}${stderr}`.trim();
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string };
    throw new CheckFailed(`${name} ${args.slice(0, 3).join(' ')} …: ${`${stdout}${stderr}`.trim() || message}`);
  }
}

export function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new CheckFailed(what);
}

/** Asks again until it holds. */
export async function eventually(check: () => Promise<boolean>, what: string, limitSeconds = 60): Promise<void> {
  const deadline = performance.now() + limitSeconds * 1000;
  while (!(await check())) {
    expect(performance.now() < deadline, `not within ${limitSeconds} s: ${what}`);
    await delay(100);
  }
}
