import type { Command } from 'commander';
import { addConfigFlags, type ConfigFlags, chosenApp, loadWith } from './config-flags.ts';
import type { CliContext } from './context.ts';
import { chosenServer, URL_HELP } from './server-url.ts';
import { callSigned } from './signed-call.ts';

interface TriggerFlags extends ConfigFlags {
  readonly socketId?: string;
  readonly app?: string;
  readonly url?: string;
}

export function triggerCommand(command: Command, context: CliContext): void {
  addConfigFlags(command)
    .description('trigger an event on a running server, as a backend does')
    .argument('<channel>')
    .argument('<event>')
    .argument('<data>', 'delivered as it is written; JSON as a rule')
    .option('--socket-id <id>', 'a connection to leave out')
    .option('--app <id>', 'the app (default: the first of the configuration)')
    .option('--url <url>', URL_HELP)
    .addHelpText(
      'after',
      `\nExamples:
  fanfare trigger private-domain.7 message.sent '{"text":"hello"}'
  fanfare trigger --url https://realtime.example.com news headline '"Rain"'`,
    )
    .action(async (channel: string, event: string, data: string, flags: TriggerFlags) => {
      const { config } = loadWith(context, flags, { checkFiles: false });
      const app = chosenApp(config.apps, flags.app);
      const socketId = flags.socketId === undefined ? {} : { socket_id: flags.socketId };
      const body = JSON.stringify({ name: event, channels: [channel], data, ...socketId });
      const server = chosenServer(context, config, flags.url);
      await callSigned(server, app, { method: 'POST', path: '/events', body });
      context.print(`Triggered ${event} on ${channel}.`);
    });
}
