import { type Command, InvalidArgumentError } from 'commander';
import { type FlagSetting, type LoadedConfig, loadConfig } from '../config/load.ts';
import { ConfigError } from '../config/problems.ts';
import { SHIPPED_RULES_FILE } from '../config/shipped-rules.ts';
import type { App } from '../core/contracts/app.ts';
import { type CliContext, CliFailure } from './context.ts';
import { unreadDotEnv } from './dot-env.ts';

/** What every command that reads the configuration takes. */
export interface ConfigFlags {
  readonly config?: string;
  readonly set?: readonly FlagSetting[];
}

export function addConfigFlags(command: Command): Command {
  return command
    .option('-c, --config <file>', 'the configuration file (default: config/fanfare.json if there is one)')
    .option('--set <path=value>', 'set any key, such as connections.maxPerIp=20; may be repeated', collectSetting);
}

function collectSetting(written: string, before: readonly FlagSetting[] = []): readonly FlagSetting[] {
  const equals = written.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('It takes the form path=value.');
  return [...before, { path: written.slice(0, equals), value: written.slice(equals + 1), flag: '--set' }];
}

/** @param shorthands flags that set one key each and win over `--set`; those that are undefined were not given */
export function loadWith(
  context: CliContext,
  flags: ConfigFlags,
  { checkFiles, shorthands = [] }: { checkFiles: boolean; shorthands?: readonly (FlagSetting | undefined)[] },
): LoadedConfig {
  try {
    return loadConfig({
      env: context.env,
      cwd: context.cwd,
      configFile: flags.config,
      flags: [...(flags.set ?? []), ...shorthands.filter((flag) => flag !== undefined)],
      checkFiles,
      // Without rules of their own, people can look around in development; in production they have forgotten something.
      fallbackRulesFile: context.env.NODE_ENV === 'production' ? undefined : SHIPPED_RULES_FILE,
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.problems, error.warnings, unreadDotEnv(context.cwd, context.env));
  }
}

export function shorthand(flag: string, path: string, value: string | undefined): FlagSetting | undefined {
  return value === undefined ? undefined : { flag, path, value };
}

/** The app that `--app` names, or the first. */
export function chosenApp(apps: readonly App[], id: string | undefined): App {
  const app = id === undefined ? apps[0] : apps.find((candidate) => candidate.id === id);
  if (app === undefined)
    throw new CliFailure(`There is no app ${id}; there are ${apps.map((known) => known.id).join(', ')}`);
  return app;
}
