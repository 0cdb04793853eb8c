import type { Command } from 'commander';
import { ConfigError } from '../config/problems.ts';
import type { Config } from '../config/schema.ts';
import type { ReloadOutcome } from '../core/contracts/reload.ts';
import { ADMIN_HELP, askAdmin } from './admin-call.ts';
import { addConfigFlags, type ConfigFlags, loadWith } from './config-flags.ts';
import { type CliContext, CliFailure } from './context.ts';

interface ReloadFlags extends ConfigFlags {
  readonly admin?: string;
  readonly json?: boolean;
}

export function reloadCommand(command: Command, context: CliContext): void {
  addConfigFlags(command)
    .description('make a running server read its configuration again, without dropping a connection')
    .option('--admin <url>', ADMIN_HELP)
    .option('--json', 'print what it did as JSON')
    .addHelpText('after', '\nExamples:\n  fanfare reload\n  fanfare reload --admin http://127.0.0.1:9602')
    .action(async (flags: ReloadFlags) => {
      const config = readable(() => loadWith(context, flags, { checkFiles: true }).config);
      const outcome = await askAdmin<ReloadOutcome>(config, flags.admin, '/api/reload', {});
      if (flags.json === true) context.print(JSON.stringify(outcome));
      const { problems, changes, needRestart } = outcome;
      if (problems.length > 0) throw new CliFailure(`Nothing has changed:\n  ${problems.join('\n  ')}`);
      if (flags.json === true) return;
      for (const change of changes) context.print(change);
      for (const key of needRestart) context.print(`${key} waits for a restart`);
    });
}

/** A configuration that this command cannot read is one that the server would refuse as well. */
function readable(read: () => Config): Config {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) throw new CliFailure(`Nothing has changed. ${error.message}`, { cause: error });
    throw error;
  }
}
