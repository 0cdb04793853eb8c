import { relative } from 'node:path';
import type { Command } from 'commander';
import { isLoopbackHost } from '../admin/access.ts';
import { usesDevelopmentCredentials } from '../config/development.ts';
import { leftoverWarning } from '../config/leftovers.ts';
import type { Config } from '../config/schema.ts';
import { SHIPPED_RULES_FILE } from '../config/shipped-rules.ts';
import { textLog } from '../server/text-log.ts';
import type { Listening } from '../server.ts';
import { adminNote } from './admin-note.ts';
import { addConfigFlags, type ConfigFlags, loadWith, shorthand } from './config-flags.ts';
import { type CliContext, CliFailure } from './context.ts';
import { isColored } from './output.ts';
import { reloadOnDemand } from './reload-signals.ts';
import { localUrl, parseServerUrl } from './server-url.ts';
import { stopInGoodOrder } from './stop-signals.ts';

interface ServeFlags extends ConfigFlags {
  readonly host?: string;
  readonly port?: string;
  readonly pathPrefix?: string;
  readonly logLevel?: string;
}

export function serveCommand(command: Command, context: CliContext): void {
  addConfigFlags(command)
    .description('run the server (the default command)')
    .option('-p, --port <number>', 'the port to listen on; 0 takes a free one (default: 6001)')
    .option('--host <address>', 'the address to listen on (default: 0.0.0.0)')
    .option('--path-prefix <path>', 'in front of every path, such as /realtime')
    .option('--log-level <level>', 'fatal, error, warn, info, debug, trace or silent (default: info)')
    .addHelpText(
      'after',
      '\nExamples:\n  fanfare serve\n  fanfare serve --port 8080 --log-level debug\n  fanfare -c /etc/fanfare.json',
    )
    .action(async (flags: ServeFlags) => {
      const options = {
        checkFiles: true,
        shorthands: [
          shorthand('--port', 'port', flags.port),
          shorthand('--host', 'host', flags.host),
          shorthand('--path-prefix', 'pathPrefix', flags.pathPrefix),
          shorthand('--log-level', 'log.level', flags.logLevel),
        ],
      };
      const { config, warnings } = loadWith(context, flags, options);
      for (const warning of warnings) context.warn(warning);
      const leftovers = leftoverWarning(context.env);
      if (leftovers !== undefined) context.warn(leftovers);
      const note = adminNote(config, context.env.NODE_ENV === 'production');
      if (note !== undefined) context.warn(note);
      await run(config, flags, context, () => loadWith(context, flags, options).config);
    });
}

/** What a stop takes beyond the grace that connections get: the last frames, and parting from Redis. */
const STOP_MARGIN_MS = 20_000;

async function run(config: Config, flags: ServeFlags, context: CliContext, readConfig: () => Config): Promise<void> {
  const production = context.env.NODE_ENV === 'production';
  // Loaded here, so that the other commands work where the native server does not.
  const { createServer } = await import('../server.ts');
  const { format } = config.log;
  const isText = format === 'text' || (format === 'auto' && context.isTerminal && !production);
  const server = createServer(config, {
    explainRefusals: !production,
    playground: !production,
    readConfig,
    ...(isText ? { formatLog: await textLog(isColored(context)) } : {}),
  });
  context.outliveOutput();
  stopInGoodOrder(context, server, { limitMs: () => server.graceSeconds() * 1000 + STOP_MARGIN_MS });
  let listening: Listening;
  try {
    listening = await server.start();
  } catch (error) {
    throw startFailure(error);
  }
  reloadOnDemand(context, server, production ? undefined : config.auth.rulesFile);
  if (!production && (context.isTerminal || usesDevelopmentCredentials(config)))
    welcome(config, listening, flags, context);
}

/** What keeps a server from starting is a sentence for whoever started it; a mistake of ours keeps its stack. */
function startFailure(error: unknown): unknown {
  const ours = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  return error instanceof Error && !ours ? new CliFailure(error.message, { cause: error }) : error;
}

/** What a command needs to know of a server to turn to it, unless it is the one that commands turn to by themselves. */
const USUAL_URL = 'http://localhost:6001';

/** Something to try at once: the playground, or a page where a browser cannot have it, and a command that sends. */
function welcome(config: Config, { port, admin }: Listening, flags: ServeFlags, context: CliContext): void {
  const url = localUrl(config, port);
  const file = flags.config === undefined ? '' : ` -c ${shellWord(flags.config)}`;
  const where = `${file}${url === USUAL_URL ? '' : ` --url ${url}`}`;
  const { enabled, jwt, rulesFile } = config.auth;
  const signs = enabled && jwt.secret !== undefined;
  const channel = signs ? 'private-domain.7' : 'news';
  const hasPlayground = isLoopbackHost(parseServerUrl(url).hostname);
  const paragraphs = [
    `\nFanfare listens on ${url}${admin === undefined ? '' : `, and its console is at ${consoleUrl(admin)}`}`,
    ...(hasPlayground
      ? [`Open ${url}/ in a browser: two people join ${channel} there.`]
      : [
          `Write a page that joins ${channel}, and open it in a browser:`,
          `  npx fanfare page${where}${signs ? '' : ' news'} > page.html`,
        ]),
    'Then, in a second terminal, send something:',
    `  npx fanfare trigger${where} ${channel} message.sent '{"text":"hello"}'`,
    ...(enabled ? [`Who may join what is decided by ${rulesNote(rulesFile, context.cwd)}`] : []),
    ...(hasPlayground
      ? ['A browser on another machine is not shown that page; for it there is "npx fanfare page --help".']
      : []),
  ];
  context.print(`${paragraphs.join('\n\n')}\n`);
}

/** In a clone of Fanfare, the rules that it ships are the project's own. */
function rulesNote(rulesFile: string, cwd: string): string {
  const name = relative(cwd, rulesFile);
  return rulesFile === SHIPPED_RULES_FILE && name !== 'config/channels.js'
    ? 'the rules that Fanfare ships; "npx fanfare init" writes some to edit.'
    : `${name}; a change of it takes effect at once.`;
}

/** An address that stands for all of them is reached as localhost. */
function consoleUrl({ host, port }: NonNullable<Listening['admin']>): string {
  return `http://${['0.0.0.0', '::', '127.0.0.1'].includes(host) ? 'localhost' : host}:${port}`;
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
