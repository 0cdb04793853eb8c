import type { Command } from 'commander';
import { channelKind } from '../protocol/channel-name.ts';
import { type CliContext, CliFailure } from './context.ts';
import { printTable } from './output.ts';
import { addServerFlags, askServer, type ServerFlags } from './server-flags.ts';

interface ChannelInfo {
  readonly subscription_count?: number;
  readonly user_count?: number;
}

export function channelsCommand(command: Command, context: CliContext): void {
  addServerFlags(command)
    .description('list the channels that have subscribers')
    .argument('[prefix]', 'only channels whose names begin with this')
    .addHelpText('after', '\nExamples:\n  fanfare channels\n  fanfare channels presence-\n  fanfare channels --json')
    .action(async (prefix = '', flags: ServerFlags) => {
      const presence = prefix.startsWith('presence-');
      const info = presence ? 'subscription_count,user_count' : 'subscription_count';
      const query = { info, ...(prefix === '' ? {} : { filter_by_prefix: prefix }) };
      const answer = await askServer(context, flags, { method: 'GET', path: '/channels', query });
      if (flags.json === true) {
        context.print(JSON.stringify(answer));
        return;
      }
      const { channels } = answer as { channels: Readonly<Record<string, ChannelInfo>> };
      const rows = Object.entries(channels)
        .sort(([a, x], [b, y]) => (y.subscription_count ?? 0) - (x.subscription_count ?? 0) || a.localeCompare(b))
        .map(([name, counts]) => [
          name,
          String(counts.subscription_count ?? ''),
          ...(presence ? [String(counts.user_count ?? '')] : []),
        ]);
      if (rows.length === 0 && context.isTerminal) context.print('No channel has subscribers.');
      else printTable(context, ['CHANNEL', 'SUBSCRIBERS', ...(presence ? ['MEMBERS'] : [])], rows);
    });
}

export function usersCommand(command: Command, context: CliContext): void {
  addServerFlags(command)
    .description('list the members of a presence channel')
    .argument('<channel>', 'its whole name, such as presence-lobby')
    .addHelpText('after', '\nExamples:\n  fanfare users presence-lobby\n  fanfare users presence-lobby --json')
    .action(async (channel: string, flags: ServerFlags) => {
      if (channelKind(channel).access !== 'presence') {
        throw new CliFailure(`Only presence channels have members, and '${channel}' is not one`);
      }
      const path = `/channels/${encodeURIComponent(channel)}/users`;
      const answer = await askServer(context, flags, { method: 'GET', path });
      const { users } = answer as { users: readonly { id: string }[] };
      if (flags.json === true) context.print(JSON.stringify(answer));
      else if (users.length === 0 && context.isTerminal) context.print('Nobody is there.');
      else for (const { id } of users) context.print(id);
    });
}

export function disconnectCommand(command: Command, context: CliContext): void {
  addServerFlags(command)
    .description("close a user's connections on every node, and revoke the user's tokens")
    .argument('<user>', 'the id of the user')
    .addHelpText(
      'after',
      '\nThe user may connect again with a token that was issued later, if the rules say yes. "fanfare revoke", too,' +
        '\nrevokes tokens, but lets the clients come back by themselves.' +
        '\n\nExamples:\n  fanfare disconnect 42\n  fanfare disconnect 42 --url https://realtime.example.com',
    )
    .action(async (user: string, flags: ServerFlags) => {
      const path = `/users/${encodeURIComponent(user)}/terminate_connections`;
      const answer = await askServer(context, flags, { method: 'POST', path, body: '' });
      context.print(
        flags.json === true
          ? JSON.stringify(answer)
          : `Every node closes what user ${user} has open, and refuses the tokens that were issued until now.`,
      );
    });
}
