import type { Command } from 'commander';
import { addConfigFlags, type ConfigFlags, chosenApp, loadWith } from './config-flags.ts';
import type { CliContext } from './context.ts';
import { chosenServer, URL_HELP } from './server-url.ts';
import { callSigned, type SignedCall } from './signed-call.ts';

/** What commands take that ask a running server over its HTTP API. */
export interface ServerFlags extends ConfigFlags {
  readonly app?: string;
  readonly url?: string;
  readonly json?: boolean;
}

export function addServerFlags(command: Command): Command {
  return addConfigFlags(command)
    .option('--app <id>', 'the app (default: the first of the configuration)')
    .option('--url <url>', URL_HELP)
    .option('--json', "print the server's answer as JSON");
}

/** The server's answer; throws a CliFailure with what it says. */
export async function askServer(context: CliContext, flags: ServerFlags, signed: SignedCall): Promise<unknown> {
  const { config } = loadWith(context, flags, { checkFiles: false });
  return await callSigned(chosenServer(context, config, flags.url), chosenApp(config.apps, flags.app), signed);
}
