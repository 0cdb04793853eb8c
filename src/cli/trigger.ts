import type { Command } from 'commander';
import type { App } from '../core/contracts/app.ts';
import { hmacHex, md5Hex, requestStringToSign } from '../protocol/signatures.ts';
import { addConfigFlags, type ConfigFlags, chosenApp, loadWith } from './config-flags.ts';
import { type CliContext, CliFailure } from './context.ts';
import { chosenServer, type ServerUrl, URL_HELP, unreachable } from './server-url.ts';

interface TriggerFlags extends ConfigFlags {
  readonly socketId?: string;
  readonly app?: string;
  readonly url?: string;
}

const TIMEOUT_MS = 10_000;

export function triggerCommand(command: Command, context: CliContext): void {
  addConfigFlags(command)
    .description('trigger an event on a running server, as a backend does')
    .argument('<channel>')
    .argument('<event>')
    .argument('<data>', 'delivered as it is written; JSON as a rule')
    .option('--socket-id <id>', 'a connection to leave out')
    .option('--app <id>', 'the app (default: the first of the configuration)')
    .option('--url <url>', URL_HELP)
    .action(async (channel: string, event: string, data: string, flags: TriggerFlags) => {
      const { config } = loadWith(context, flags, { checkFiles: false });
      const app = chosenApp(config.apps, flags.app);
      const socketId = flags.socketId === undefined ? {} : { socket_id: flags.socketId };
      const body = JSON.stringify({ name: event, channels: [channel], data, ...socketId });
      const server = chosenServer(context, config, flags.url);
      await postSigned(server, app, `/apps/${encodeURIComponent(app.id)}/events`, body);
      context.print(`Triggered ${event} on ${channel}.`);
    });
}

/** HTTP API: authentication. */
async function postSigned({ origin, pathPrefix }: ServerUrl, app: App, path: string, body: string): Promise<void> {
  const query: [string, string][] = [
    ['auth_key', app.key],
    ['auth_timestamp', String(Math.floor(Date.now() / 1000))],
    ['auth_version', '1.0'],
    ['body_md5', md5Hex(Buffer.from(body))],
  ];
  const signature = hmacHex(app.secret, requestStringToSign('POST', path, query));
  const parameters = new URLSearchParams([...query, ['auth_signature', signature]]);
  let response: Response;
  try {
    response = await fetch(`${origin}${pathPrefix}${path}?${parameters}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    throw unreachable(origin, error);
  }
  if (!response.ok) throw new CliFailure(`The server answered ${response.status}: ${(await response.text()).trim()}`);
}
