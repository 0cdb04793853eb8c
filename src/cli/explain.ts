import type { Command } from 'commander';
import type { Explanation } from '../core/contracts/explanation.ts';
import { explainHere } from './authority-here.ts';
import { addConfigFlags, type ConfigFlags, loadWith } from './config-flags.ts';
import { type CliContext, CliFailure } from './context.ts';
import { painter } from './output.ts';
import { addUserFlags } from './token.ts';
import { signUserToken, type TokenFlags } from './user-token.ts';

interface ExplainFlags extends ConfigFlags, Partial<TokenFlags> {
  readonly token?: string;
  readonly app?: string;
  readonly json?: boolean;
}

export function explainCommand(command: Command, context: CliContext): void {
  addUserFlags(addConfigFlags(command))
    .description('say whether a user may join a channel, by which rule, and why; exit code 1 if not')
    .argument('<channel>', 'its whole name, such as private-domain.7')
    .option('--token <jwt>', "the user's token; without it, one is made for --user")
    .option('--app <id>', 'the app (default: the one that the authorization endpoint would choose)')
    .option('--json', 'print the whole answer as JSON')
    .addHelpText(
      'after',
      '\nThe rules run here, with this configuration: no server is needed. A rule that asks a backend does so for real.' +
        '\n\nExamples:\n  fanfare explain private-domain.7 --token eyJ…\n  fanfare explain presence-chat.1 --user 42 --chats 1',
    )
    .action(async (channel: string, flags: ExplainFlags) => {
      const { config } = loadWith(context, flags, { checkFiles: true });
      if (!config.auth.enabled) throw new CliFailure('Fanfare authorizes nothing here: auth.enabled is false');
      const token =
        flags.token ??
        (flags.user === undefined ? undefined : await signUserToken(config, { ...flags, user: flags.user }));
      if (token === undefined)
        command.error('error: give --token or --user, to say who wants to join', { exitCode: 2 });
      const answer = await explainHere(config, { appId: flags.app, channel, token });
      if (flags.json === true) context.print(JSON.stringify(answer));
      else print(answer, context);
      if (answer.outcome === 'refused') throw new CliFailure(flags.json === true ? '' : `Refused (${answer.code}).`);
    });
}

function print({ outcome, reason, steps, user, rule }: Explanation, context: CliContext): void {
  const paint = painter(context);
  for (const { step, passed, detail } of steps) {
    const mark = passed ? paint('green', '✓') : paint('red', '✗');
    context.print(`${mark} ${step.padEnd(8)} ${detail}`);
  }
  if (rule !== undefined) context.print(`  in       ${rule.file}`);
  if (user !== undefined) context.print(`  claims   ${JSON.stringify(user.claims)}`);
  if (outcome === 'granted') context.print(paint('green', `\nGranted: ${reason}.`));
}
