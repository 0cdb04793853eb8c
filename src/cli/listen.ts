import type { Command } from 'commander';
import type { Config } from '../config/schema.ts';
import type { App } from '../core/contracts/app.ts';
import { mustBeJoinable } from './channel-argument.ts';
import { addConfigFlags, type ConfigFlags, chosenApp, loadWith } from './config-flags.ts';
import { type CliContext, CliFailure } from './context.ts';
import { type Authorization, type ListenerEvents, startListener } from './listener.ts';
import { chosenServer, mustAnswer, URL_HELP } from './server-url.ts';
import { addUserFlags } from './token.ts';
import { signUserToken, type TokenFlags } from './user-token.ts';

interface ListenFlags extends ConfigFlags, Partial<TokenFlags> {
  readonly token?: string;
  readonly event?: readonly string[];
  readonly app?: string;
  readonly url?: string;
  readonly json?: boolean;
}

export function listenCommand(command: Command, context: CliContext): void {
  addUserFlags(addConfigFlags(command))
    .description('join channels of a running server with stock pusher-js, and print what arrives')
    .argument('<channel...>', 'their whole names, such as private-domain.7')
    .option('--token <jwt>', 'the token to send to the authorization endpoint')
    .option('--event <name>', 'print events of this name only; may be repeated', (name, before: string[] = []) => [
      ...before,
      name,
    ])
    .option('--app <id>', 'the app (default: the first of the configuration)')
    .option('--url <url>', URL_HELP)
    .option('--json', 'print each event as a line of JSON')
    .addHelpText(
      'after',
      '\nGuarded channels are authorized by the server, with --token or a token for --user; without either, they are' +
        '\nsigned here with the app secret.' +
        '\n\nExamples:\n  fanfare listen news\n  fanfare listen private-domain.7 --user 42 --domains 7 --event message.sent',
    )
    .action(async (channels: string[], flags: ListenFlags) => {
      const { config } = loadWith(context, flags, { checkFiles: false });
      const app = chosenApp(config.apps, flags.app);
      const authorization = await authorizationOf(config, app, flags);
      const server = chosenServer(context, config, flags.url);
      for (const channel of channels) mustBeJoinable(channel, app, 'listen');
      await mustAnswer(server);
      await listenUntilStopped(context, channels, flags, (events) =>
        startListener({ server, app, channels: [...new Set(channels)], authorization, events }),
      );
    });
}

async function authorizationOf(config: Config, app: App, flags: ListenFlags): Promise<Authorization> {
  if (flags.token !== undefined) return { token: flags.token };
  if (flags.user !== undefined) return { token: await signUserToken(config, { ...flags, user: flags.user }) };
  return { secret: app.secret };
}

/** Resolves on a stop signal; rejects once nothing can arrive any more. */
function listenUntilStopped(
  context: CliContext,
  channels: readonly string[],
  { event: only, json }: Pick<ListenFlags, 'event' | 'json'>,
  start: (events: ListenerEvents) => { stop(): void },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const refused = new Set<string>();
    const listener = start({
      subscribed: (channel) => {
        refused.delete(channel);
        context.warn(`listening on ${channel}`);
      },
      refused: (channel, reason) => {
        refused.add(channel);
        context.warn(`refused on ${channel}: ${reason}`);
        if (refused.size < new Set(channels).size) return;
        listener.stop();
        reject(new CliFailure('Every channel was refused.'));
      },
      event: (channel, event, data) => {
        if (only !== undefined && !only.includes(event)) return;
        const at = new Date().toISOString();
        context.print(
          json === true ? JSON.stringify({ at, channel, event, data }) : `${at} ${channel} ${event} ${data}`,
        );
      },
      trouble: (sentence) => context.warn(sentence),
      ended: (sentence) => {
        listener.stop();
        reject(new CliFailure(sentence));
      },
    });
    context.onStopSignal(() => {
      listener.stop();
      resolve();
    });
  });
}
