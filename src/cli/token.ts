import { type Command, InvalidArgumentError, Option } from 'commander';
import { addConfigFlags, type ConfigFlags, loadWith } from './config-flags.ts';
import type { CliContext } from './context.ts';
import { signUserToken, type TokenFlags } from './user-token.ts';

const UNIT_SECONDS: Readonly<Record<string, number>> = Object.freeze({ s: 1, m: 60, h: 3600, d: 86_400 });

interface TokenCommandFlags extends ConfigFlags, Partial<TokenFlags> {
  readonly json?: boolean;
}

export function tokenCommand(command: Command, context: CliContext): void {
  addUserFlags(addConfigFlags(command))
    .description('print a token to try things out with, signed with the JWT secret of the configuration')
    .option('--json', 'print the token and its claims as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  fanfare token --user 42 --domains 7\n  fanfare token --user 1 --role admin --expires 7d',
    )
    .action(async (flags: TokenCommandFlags) => {
      if (flags.user === undefined) command.error("error: option '--user <id>' must be given", { exitCode: 2 });
      const { config } = loadWith(context, flags, { checkFiles: false });
      const token = await signUserToken(config, { ...flags, user: flags.user });
      context.print(flags.json === true ? JSON.stringify({ token, claims: claimsOf(token) }) : token);
    });
}

/** The claims of a token that has just been signed here, so that nothing need be verified. */
function claimsOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

/** The flags that say who a token is for. */
export function addUserFlags(command: Command): Command {
  return command
    .option('--user <id>', 'the id of the user', notEmpty)
    .option('--domains <ids>', 'the domains that the user belongs to, comma-separated', commaSeparated)
    .option('--chats <ids>', 'the chats that the user takes part in, comma-separated', commaSeparated)
    .option('--role <role>', 'the role of the user, such as admin')
    .option('--name <name>', 'the name that others see')
    .option('--claim <name=value>', 'any other claim; the value may be JSON; may be repeated', collectClaim)
    .addOption(
      new Option('--expires <duration>', 'how long the token is valid: 30s, 15m, 1h, 7d, or never')
        .argParser(durationSeconds)
        .default(3600, '1h'),
    );
}

function notEmpty(written: string): string {
  if (written.trim() === '') throw new InvalidArgumentError('The id must not be empty.');
  return written;
}

function commaSeparated(written: string): string[] {
  return written
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function collectClaim(written: string, before: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const equals = written.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('It must look like name=value.');
  return { ...before, [written.slice(0, equals)]: jsonOrText(written.slice(equals + 1)) };
}

function jsonOrText(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return written;
  }
}

/** `90`, `30s`, `15m`, `1h` or `7d` in seconds; 0 for `never`. */
function durationSeconds(written: string): number {
  if (written === 'never') return 0;
  const [, amount, unit] = /^([1-9]\d{0,8})([smhd]?)$/.exec(written) ?? [];
  if (amount === undefined) throw new InvalidArgumentError('It must look like 30s, 15m, 1h, 7d or never.');
  return Number(amount) * (UNIT_SECONDS[unit ?? ''] ?? 1);
}
