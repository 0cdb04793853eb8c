import type { Command } from 'commander';
import { loadRules } from '../auth/index.ts';
import { pathText, settingAt } from '../config/describe.ts';
import { redacted } from '../config/redacted.ts';
import type { Config } from '../config/schema.ts';
import { addConfigFlags, type ConfigFlags, loadWith } from './config-flags.ts';
import { type CliContext, CliFailure } from './context.ts';

export function checkConfigCommand(command: Command, context: CliContext): void {
  addConfigFlags(command)
    .description(
      'list the settings that would be in force, secrets masked; or what is wrong with them, with exit code 1',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  fanfare check-config\n  NODE_ENV=production fanfare check-config -c fanfare.json',
    )
    .action(async (flags: ConfigFlags) => {
      const { config, warnings, sources } = loadWith(context, flags, { checkFiles: true });
      for (const warning of warnings) context.warn(`warning: ${warning}`);
      if (config.auth.enabled) await checkRules(config.auth.rulesFile);
      for (const line of settingLines(config, sources)) context.print(line);
    });
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

/** `connections.maxPerIp = 20    (from --set)`: a list to read, which nobody takes for a configuration file. */
function settingLines(config: Config, sources: ReadonlyMap<string, string>): string[] {
  const lines = leaves(redacted(config), []).map(([path, value]) => ({
    setting: `${pathText(path)} = ${valueText(value)}`,
    source: sources.get(pathText(path)),
  }));
  const width = Math.min(MAX_SETTING_WIDTH, Math.max(...lines.map(({ setting }) => setting.length)));
  return lines.map(({ setting, source }) =>
    source === undefined ? setting : `${setting.padEnd(width)}  (from ${source})`,
  );
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
  return Array.isArray(value) ? value.join(', ') || 'none' : value === '' ? 'empty' : String(value);
}
