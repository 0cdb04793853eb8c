import { type Command, InvalidArgumentError } from 'commander';
import type { CliContext } from './context.ts';
import { addServerFlags, askServer, type ServerFlags } from './server-flags.ts';

interface RevokeFlags extends ServerFlags {
  readonly tokenId?: string;
  readonly expiresAt?: number;
  readonly user?: string;
}

export function revokeCommand(command: Command, context: CliContext): void {
  addServerFlags(command)
    .description('refuse tokens from now on, on every node; who was authorized with them is asked for new ones')
    .option('--token-id <jti>', "one token, by its claim 'jti'")
    .option(
      '--expires-at <seconds>',
      'when that token ends, in seconds since 1970 (default: as long as tokens may live)',
      time,
    )
    .option('--user <id>', 'all tokens that a user was issued until now')
    .addHelpText('after', '\nExamples:\n  fanfare revoke --token-id 4f1c-99\n  fanfare revoke --user 42')
    .action(async (flags: RevokeFlags) => {
      const { tokenId, user, expiresAt } = flags;
      if ((tokenId === undefined) === (user === undefined)) {
        command.error('error: either --token-id or --user says what is revoked', { exitCode: 2 });
      }
      const answer =
        user === undefined
          ? await askServer(context, flags, {
              ...{ method: 'POST', path: '/tokens/revoke' },
              body: JSON.stringify({ jti: tokenId, exp: expiresAt }),
            })
          : await askServer(context, flags, {
              ...{ method: 'POST', path: `/users/${encodeURIComponent(user)}/revoke_tokens`, body: '' },
            });
      const what = user === undefined ? `The token ${tokenId}` : `What user ${user} was issued until now`;
      context.print(flags.json === true ? JSON.stringify(answer) : `${what} is refused on every node.`);
    });
}

function time(written: string): number {
  if (/^\d{1,12}$/.test(written)) return Number(written);
  throw new InvalidArgumentError('It is a whole number, in seconds since 1970.');
}
