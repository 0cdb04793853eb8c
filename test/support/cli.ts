import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import type { CliContext } from '../../src/cli/context.ts';
import { runCli } from '../../src/cli/program.ts';
import { RUN_TYPESCRIPT } from './typescript.ts';
import { until, within } from './wait.ts';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const RULES = join(ROOT, 'config/channels.js');

/** Starting a process under a TypeScript loader takes its time on a busy machine. */
const PROCESS_LIMIT_MS = 30_000;

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command within this process, as one that nothing around it tells anything. */
export function run(
  args: readonly string[],
  env: Record<string, string> = {},
  changes: Partial<CliContext> = {},
): Promise<CommandResult> {
  return runIn(tmpdir(), args, { FANFARE_AUTH_RULES_FILE: RULES, ...env }, changes);
}

/** The same in a folder of the test's own, whose files count. */
export async function runIn(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
  changes: Partial<CliContext> = {},
): Promise<CommandResult> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(args, '1.2.3', {
    env,
    cwd,
    isTerminal: false,
    print: (line) => out.push(line),
    warn: (line) => err.push(line),
    outliveOutput: () => undefined,
    onStopSignal: () => undefined,
    onUncaught: () => undefined,
    onReloadSignal: () => undefined,
    exit: () => undefined,
    ...changes,
  });
  return { code, stdout: out.join('\n'), stderr: err.join('\n') };
}

/** Every command as it is typed, those below a group too: `trigger`, `webhooks list`. */
export async function allCommands(group: readonly string[] = []): Promise<string[][]> {
  const { stdout } = await run([...group, '--help']);
  const [, listed = ''] = stdout.split('Commands:\n');
  const names = [...listed.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name = '']) => name);
  const found: string[][] = [];
  for (const name of names.filter((each) => each !== 'help' && each !== 'fanfare')) {
    const below = await allCommands([...group, name]);
    found.push(...(below.length === 0 ? [[...group, name]] : below));
  }
  return found;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Until its output holds what is looked for; answers the match. */
  shows(pattern: RegExp): Promise<RegExpExecArray>;
  exited(): Promise<number | null>;
}

/** What Node is given to run the command from its source. */
export const CLI_FROM_SOURCE = [RUN_TYPESCRIPT, join(ROOT, 'src/cli.ts')];

/** Runs a command as a process of its own; it is ended with the test. */
export function start(t: Test, args: readonly string[], env: Record<string, string> = {}): RunningCommand {
  return startNode(t, [...CLI_FROM_SOURCE, ...args], scratchFolder(t), { FANFARE_AUTH_RULES_FILE: RULES, ...env });
}

export function startNode(t: Test, args: readonly string[], cwd: string, env: Record<string, string>): RunningCommand {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const exit = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return {
    child,
    stdout: () => out,
    stderr: () => err,
    async shows(pattern) {
      const find = () => pattern.exec(out) ?? pattern.exec(err);
      const over = () => child.exitCode !== null || child.signalCode !== null;
      await until(() => find() !== null || over(), `${pattern} in:\n${out}${err}`, PROCESS_LIMIT_MS);
      if (find() === null) await exit;
      const match = find();
      if (match === null) throw new Error(`ended with ${child.exitCode} without ${pattern}:\n${out}${err}`);
      return match;
    },
    exited: () => within(exit, () => `the end of the process; so far:\n${out}${err}`, PROCESS_LIMIT_MS),
  };
}

/** A server on a free port; answers with its URL. */
export async function startServer(t: Test, args: readonly string[] = [], env: Record<string, string> = {}) {
  const server = start(t, ['--port', '0', '--host', '127.0.0.1', ...args], env);
  const [, port] = await server.shows(/"port":(\d+)[^\n]*"msg":"listening"/);
  return { server, port: Number(port), url: `http://127.0.0.1:${port}` };
}

export function scratchFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-cli-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The claims of a token, not verified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
}
