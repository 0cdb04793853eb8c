import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isPinned } from './server-process.ts';

/** A whole number from 1 (or `least`) to `most`. */
export interface CountOption {
  readonly what: string;
  readonly count: number;
  /** What it is with `--quick`. */
  readonly quick?: number;
  readonly least?: number;
  readonly most: number;
}

export interface TextOption {
  readonly what: string;
  /** What stands for the value in the usage: `FILE`. */
  readonly text: string;
}

export interface FlagOption {
  readonly what: string;
  readonly flag: true;
}

export type Option = CountOption | TextOption | FlagOption;

export type Values<Options> = {
  readonly [Name in keyof Options]: Options[Name] extends CountOption
    ? number
    : Options[Name] extends TextOption
      ? string | undefined
      : boolean;
};

/** What a command line gives for the options. Throws a sentence if it names an unknown one or a number out of range. */
export function readOptions<Options extends Readonly<Record<string, Option>>>(
  options: Options,
  args: readonly string[],
): Values<Options> {
  const { values } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries({ ...options, ...COMMON }).map(([name, option]) => [
        name,
        { type: 'flag' in option ? ('boolean' as const) : ('string' as const) },
      ]),
    ),
  });
  const read = (name: string, option: Option): number | string | boolean | undefined => {
    const given = values[name];
    if ('flag' in option) return given === true;
    if ('text' in option) return typeof given === 'string' ? given : undefined;
    const { count, quick = count, least = 1, most } = option;
    const value = given === undefined ? (values.quick === true ? quick : count) : Number(given);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new RangeError(`--${name} takes ${least} to ${most}`);
    return value;
  };
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => [name, read(name, option)]),
  ) as Values<Options>;
}

const COMMON = {
  quick: { what: 'a short run, to see that all works: its figures are too few to quote', flag: true },
  help: { what: 'print this', flag: true },
} as const satisfies Readonly<Record<string, FlagOption>>;

/** The page that `--help` prints. */
export function usageOf(about: string, options: Readonly<Record<string, Option>>): string {
  const all: Readonly<Record<string, Option>> = { ...options, ...COMMON };
  const rows = Object.entries(all).map(([name, option]) => {
    if ('flag' in option) return [`--${name}`, option.what];
    if ('text' in option) return [`--${name} ${option.text}`, option.what];
    const quick = option.quick === undefined ? '' : `, ${option.quick} with --quick`;
    return [`--${name} N`, `${option.what} (${option.count}${quick})`];
  });
  const width = Math.max(...rows.map(([name = '']) => name.length));
  return `${about}\n${rows.map(([name = '', what]) => `  ${name.padEnd(width)}  ${what}`).join('\n')}\n`;
}

/**
 * The whole of a command: reads its options and ends with the exit code that `main` returns. A failure is one sentence
 * and exit code 1.
 */
export async function runCommand<Options extends Readonly<Record<string, Option>>>(
  about: string,
  options: Options,
  main: (values: Values<Options>) => Promise<number>,
): Promise<void> {
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const args = process.argv.slice(2);
  try {
    if (args.includes('--help')) process.stdout.write(usageOf(about, options));
    else process.exitCode = await main(readOptions(options, args));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

/** What the figures hold for. */
export function machine(): { node: string; cpu: string; cpus: number; isPinned: boolean } {
  return { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cpus: availableParallelism(), isPinned };
}

/** `2 CPUs (…), Node v20.20.0`. */
export function machineText(): string {
  const { node, cpu, cpus: count } = machine();
  return `${count} CPUs (${cpu}), Node ${node}`;
}

/** Writes everything that was measured as JSON, if a file was asked for. A relative name stands in bench/results/. */
export function writeResults(file: string | undefined, content: object): void {
  if (file === undefined) return;
  const path = resolve(fileURLToPath(new URL('../results', import.meta.url)), file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify({ machine: machine(), ...content }, undefined, 2)}\n`);
}

/** The options that several benchmarks have. */
export const JSON_OPTION: TextOption = {
  what: 'write everything as JSON; a relative name stands in bench/results/',
  text: 'FILE',
};
export const CLI_OPTION: TextOption = {
  what: 'measure another build of Fanfare by its dist/cli.js; this checkout is built otherwise',
  text: 'FILE',
};
