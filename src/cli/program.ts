import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/problems.ts';
import { checkConfigCommand } from './check-config.ts';
import { type CliContext, CliFailure } from './context.ts';
import { initCommand } from './init.ts';
import { listenCommand } from './listen.ts';
import { reloadCommand } from './reload.ts';
import { serveCommand } from './serve.ts';
import { tokenCommand } from './token.ts';
import { triggerCommand } from './trigger.ts';

/** Exit codes: 0 done; 1 it could not be done, and stderr says why; 2 the command line is wrong. */
export async function runCli(args: readonly string[], version: string, context: CliContext): Promise<number> {
  const program = new Command('fanfare')
    .description('A Pusher-protocol broadcast server with JWT channel authorization built in.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.print(text.trimEnd()),
      writeErr: (text) => context.warn(text.trimEnd()),
    })
    .showHelpAfterError('(--help tells more)');
  serveCommand(program.command('serve', { isDefault: true }), context);
  initCommand(program.command('init'), context);
  tokenCommand(program.command('token'), context);
  triggerCommand(program.command('trigger'), context);
  listenCommand(program.command('listen'), context);
  reloadCommand(program.command('reload'), context);
  checkConfigCommand(program.command('check-config'), context);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof CliFailure || error instanceof ConfigError)) throw error;
    context.warn(error.message);
    return 1;
  }
}
