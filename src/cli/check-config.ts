import type { Command } from 'commander';
import { redacted } from '../config/redacted.ts';
import { addConfigFlags, type ConfigFlags, loadWith } from './config-flags.ts';
import type { CliContext } from './context.ts';

export function checkConfigCommand(command: Command, context: CliContext): void {
  addConfigFlags(command)
    .description(
      'print the configuration that would be in force, secrets masked; or what is wrong with it, with exit code 1',
    )
    .action((flags: ConfigFlags) => {
      const { config, warnings } = loadWith(context, flags, { checkFiles: true });
      for (const warning of warnings) context.warn(`warning: ${warning}`);
      context.print(JSON.stringify(redacted(config), null, 2));
    });
}
