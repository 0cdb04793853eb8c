import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { addServerFlags, askServer, type ServerFlags } from './server-flags.ts';

interface TriggerFlags extends ServerFlags {
  readonly socketId?: string;
}

export function triggerCommand(command: Command, context: CliContext): void {
  addServerFlags(command)
    .description('trigger an event on a running server, as a backend does')
    .argument('<channel>', 'its whole name, such as private-domain.7')
    .argument('<event>', 'its name, such as message.sent')
    .argument('<data>', 'delivered as it is written; JSON as a rule')
    .option('--socket-id <id>', 'a connection to leave out')
    .addHelpText(
      'after',
      `\nExamples:
  fanfare trigger private-domain.7 message.sent '{"text":"hello"}'
  fanfare trigger --url https://realtime.example.com news headline '"Rain"'`,
    )
    .action(async (channel: string, event: string, data: string, flags: TriggerFlags) => {
      const socketId = flags.socketId === undefined ? {} : { socket_id: flags.socketId };
      const body = JSON.stringify({ name: event, channels: [channel], data, ...socketId });
      const answer = await askServer(context, flags, { method: 'POST', path: '/events', body });
      context.print(flags.json === true ? JSON.stringify(answer) : `Triggered ${event} on ${channel}.`);
    });
}
