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
    .description(
      'refuse tokens from now on, on every node; clients that use them are closed, and come back with new ones',
    )
    .option('--token-id <jti>', "one token, by its 'jti' claim")
    .option(
      '--expires-at <seconds>',
      'when that token expires, in seconds since 1970 (default: after auth.revocationSeconds)',
      time,
    )
    .option('--user <id>', 'all tokens that a user has been issued until now')
    .addHelpText('after', '\nExamples:\n  fanfare revoke --token-id 4f1c-99\n  fanfare revoke --user 42')
    .action(async (flags: RevokeFlags) => {
      const { tokenId, user, expiresAt } = flags;
      if ((tokenId === undefined) === (user === undefined)) {
        command.error('error: give either --token-id or --user, to say what is revoked', { exitCode: 2 });
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
      const what = user === undefined ? `Token ${tokenId}` : `Every token issued to user ${user} until now`;
      context.print(flags.json === true ? JSON.stringify(answer) : `${what} is refused on every node.`);
    });
}

function time(written: string): number {
  if (/^\d{1,12}$/.test(written)) return Number(written);
  throw new InvalidArgumentError('It must be a whole number of seconds since 1970.');
}
