import { Command, CommanderError } from 'commander';
import { nearest } from '../config/nearest.ts';
import { ConfigError } from '../config/problems.ts';
import { channelsCommand, disconnectCommand, usersCommand } from './channels.ts';
import { checkConfigCommand } from './check-config.ts';
import { type CliContext, CliFailure } from './context.ts';
import { doctorCommand } from './doctor/index.ts';
import { explainCommand } from './explain.ts';
import { initCommand } from './init.ts';
import { listenCommand } from './listen.ts';
import { migrateCommand } from './migrate.ts';
import { pageCommand } from './page.ts';
import { reloadCommand } from './reload.ts';
import { revokeCommand } from './revoke.ts';
import { serveCommand } from './serve.ts';
import { tokenCommand } from './token.ts';
import { triggerCommand } from './trigger.ts';
import { webhooksCommand } from './webhooks.ts';

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
    // Without "[options]", which all have: what each is for then fits beside it, in lines of a terminal's width.
    .configureHelp({
      subcommandTerm: (command) => [command.name(), command.usage().replace(/^\[options\] ?/, '')].join(' ').trimEnd(),
    })
    .showHelpAfterError('(--help tells more)')
    .addHelpText(
      'after',
      '\nExamples:\n  fanfare init && fanfare serve\n  fanfare doctor --url https://realtime.example.com' +
        '\n  fanfare trigger --help',
    );
  serveCommand(program.command('serve', { isDefault: true }), context);
  initCommand(program.command('init'), context);
  tokenCommand(program.command('token'), context);
  triggerCommand(program.command('trigger'), context);
  listenCommand(program.command('listen'), context);
  pageCommand(program.command('page'), context);
  channelsCommand(program.command('channels'), context);
  usersCommand(program.command('users'), context);
  disconnectCommand(program.command('disconnect'), context);
  revokeCommand(program.command('revoke'), context);
  webhooksCommand(program.command('webhooks'), context);
  doctorCommand(program.command('doctor'), context);
  explainCommand(program.command('explain'), context);
  migrateCommand(program.command('migrate'), context);
  reloadCommand(program.command('reload'), context);
  checkConfigCommand(program.command('check-config'), context);
  const unknown = unknownCommand(
    args[0] === 'help' ? args[1] : args[0],
    program.commands.map((command) => command.name()),
  );
  if (unknown !== undefined) {
    context.warn(unknown);
    return 2;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof CliFailure || error instanceof ConfigError)) throw error;
    if (error.message !== '') context.warn(error.message);
    return 1;
  }
}

/** The default command takes no arguments: whatever stands first and is no flag is meant to be a command. */
function unknownCommand(first: string | undefined, known: readonly string[]): string | undefined {
  if (first === undefined || first.startsWith('-') || known.includes(first) || first === 'help') return undefined;
  const close = nearest(first, known);
  const hint = close === undefined ? `there are ${known.join(', ')}` : `did you mean ${close}?`;
  return `There is no command '${first}'; ${hint}\n(--help tells more)`;
}
