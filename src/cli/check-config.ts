import type { Command } from 'commander';
import { loadRules } from '../auth/index.ts';
import { pathText, settingAt } from '../config/describe.ts';
import { ConfigError } from '../config/problems.ts';
import { redacted } from '../config/redacted.ts';
import type { Config } from '../config/schema.ts';
import { addConfigFlags, type ConfigFlags, loadWith } from './config-flags.ts';
import { type CliContext, CliFailure } from './context.ts';

interface CheckConfigFlags extends ConfigFlags {
  readonly json?: boolean;
}

export function checkConfigCommand(command: Command, context: CliContext): void {
  addConfigFlags(command)
    .description(
      'list the settings that would be in force, with secrets masked, or what is wrong with them (exit code 1)',
    )
    .option('--json', 'print settings, warnings and problems as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  fanfare check-config\n  fanfare check-config --json' +
        '\n  NODE_ENV=production fanfare check-config -c fanfare.json',
    )
    .action(async (flags: CheckConfigFlags) => {
      const { failure, ...found } = await lookOver(context, flags);
      if (flags.json === true) {
        context.print(JSON.stringify(found));
        if (failure !== undefined) throw new CliFailure('', { cause: failure });
        return;
      }
      for (const warning of found.warnings) context.warn(`warning: ${warning}`);
      if (failure !== undefined) throw failure;
      for (const line of settingLines(found.settings)) context.print(line);
    });
}

interface Findings {
  /** Empty if there are problems. */
  readonly settings: readonly SettingInForce[];
  readonly warnings: readonly string[];
  readonly problems: readonly string[];
  /** What tells of the problems, for people. */
  readonly failure?: ConfigError | CliFailure;
}

async function lookOver(context: CliContext, flags: ConfigFlags): Promise<Findings> {
  let warnings: readonly string[] = [];
  try {
    const { config, sources, ...loaded } = loadWith(context, flags, { checkFiles: true });
    warnings = loaded.warnings;
    if (config.auth.enabled) await checkRules(config.auth.rulesFile);
    return { settings: settingsOf(config, sources), warnings, problems: [] };
  } catch (error) {
    if (error instanceof ConfigError) {
      return { settings: [], warnings: error.warnings, problems: error.problems, failure: error };
    }
    if (error instanceof CliFailure) return { settings: [], warnings, problems: [error.message], failure: error };
    throw error;
  }
}

/** Loads them, as a server does when it starts. */
async function checkRules(file: string): Promise<void> {
  try {
    await loadRules(file);
  } catch (error) {
    throw new CliFailure(`The rules do not load: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

interface SettingInForce {
  /** `connections.maxPerIp` */
  readonly setting: string;
  /** A secret is masked. */
  readonly value: unknown;
  /** Undefined for a default. */
  readonly from: string | undefined;
}

function settingsOf(config: Config, sources: ReadonlyMap<string, string>): SettingInForce[] {
  return leaves(redacted(config), []).map(([path, value]) => ({
    setting: pathText(path),
    value,
    from: sources.get(pathText(path)),
  }));
}

/** `connections.maxPerIp = 20    (from --set)`: a list for people, not to be mistaken for a configuration file. */
function settingLines(settings: readonly SettingInForce[]): string[] {
  const lines = settings.map(({ setting, value, from }) => ({ text: `${setting} = ${valueText(value)}`, from }));
  const width = Math.min(MAX_SETTING_WIDTH, Math.max(...lines.map(({ text }) => text.length)));
  return lines.map(({ text, from }) => (from === undefined ? text : `${text.padEnd(width)}  (from ${from})`));
}

const MAX_SETTING_WIDTH = 60;

/** Each value with its path, in the order of the schema; those that are not set are left out. */
function leaves(value: unknown, path: readonly string[]): [path: readonly string[], value: unknown][] {
  if (value === undefined) return [];
  const isSection = typeof value === 'object' && value !== null;
  if (settingAt(path) !== undefined || !isSection) return [[path, value]];
  return Object.entries(value).flatMap(([key, child]) => leaves(child, [...path, key]));
}

function valueText(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') || 'none listed' : value === '' ? 'empty' : String(value);
}
