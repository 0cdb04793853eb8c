import type { Command } from 'commander';
import { channelKind } from '../protocol/channel-name.ts';
import { mustBeJoinable } from './channel-argument.ts';
import { addConfigFlags, type ConfigFlags, chosenApp, loadWith } from './config-flags.ts';
import type { CliContext } from './context.ts';
import { pageSnippet } from './page-snippet.ts';
import { chosenServer, URL_HELP } from './server-url.ts';
import { addUserFlags } from './token.ts';
import { signUserToken, type TokenFlags } from './user-token.ts';

interface PageFlags extends ConfigFlags, Partial<TokenFlags> {
  readonly token?: string;
  readonly app?: string;
  readonly url?: string;
  readonly json?: boolean;
}

/** Who joins what unless the command says otherwise; the rules that Fanfare ships allow it. */
const EXAMPLE = { channel: 'private-domain.7', user: '42', domains: ['7'] };

export function pageCommand(command: Command, context: CliContext): void {
  addUserFlags(addConfigFlags(command))
    .description('print a page that joins a channel with stock pusher-js, to start one of your own from')
    .argument('[channel]', `default: ${EXAMPLE.channel}, as user ${EXAMPLE.user} of domain ${EXAMPLE.domains}`)
    .option('--token <jwt>', "the user's token; without it, one is made for --user")
    .option('--app <id>', 'the app (default: the first of the configuration)')
    .option('--url <url>', URL_HELP)
    .option('--json', 'print the page, its channel and its token as JSON')
    .addHelpText(
      'after',
      '\nThe page runs in any browser that reaches the server, from a file too. Its token is in it, and ends after --expires.' +
        '\nA browser on another machine needs this one by its name there: see the second example.' +
        '\n\nExamples:\n  fanfare page > page.html\n  fanfare page --url http://192.0.2.1:6001 > page.html' +
        '\n  fanfare page presence-chat.5 --user 42 --chats 5 --name Ada --url https://realtime.example.com > page.html',
    )
    .action(async (named: string | undefined, given: PageFlags) => {
      const { channel, ...example } = EXAMPLE;
      const joined = named ?? channel;
      const flags: PageFlags = named === undefined ? { ...example, ...given } : given;
      const { config } = loadWith(context, given, { checkFiles: false });
      const app = chosenApp(config.apps, flags.app);
      mustBeJoinable(joined, app, 'the page');
      const token =
        flags.token ??
        (flags.user === undefined ? undefined : await signUserToken(config, { ...flags, user: flags.user }));
      if (token === undefined && channelKind(joined).access !== 'public') {
        command.error(`error: --token or --user says who joins ${joined}`, { exitCode: 2 });
      }
      const server = chosenServer(context, config, flags.url);
      const html = pageSnippet({ server, app, namesApp: config.apps.length > 1, token, channel: joined });
      context.print(flags.json === true ? JSON.stringify({ channel: joined, token, html }) : html);
    });
}
