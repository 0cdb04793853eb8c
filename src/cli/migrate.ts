import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type { Command } from 'commander';
import { COUNTERPARTS } from '../config/leftovers.ts';
import { type CliContext, CliFailure } from './context.ts';

/** Why what other servers have is not here, or is here by itself. */
const WITHOUT_COUNTERPART: ReadonlyArray<readonly [RegExp, string]> = [
  [/^SOKETI_ADAPTER_/, 'replicas share their state through Redis: set REDIS_URL'],
  [/^SOKETI_(?:DB_REDIS|REDIS)_/, 'one variable holds all of it: REDIS_URL=redis://user:password@host:6379/0'],
  [/^SOKETI_(?:DB_|APP_MANAGER_)/, 'apps are in the configuration file, and are reloaded from there'],
  [/^SOKETI_(?:QUEUE|CACHE|RATE_LIMITER)_/, 'nothing to choose: it is in memory, or in Redis if REDIS_URL is set'],
  [/^SOKETI_CLUSTER_/, 'nodes find each other through Redis'],
  [/^SOKETI_METRICS_/, '/metrics is served on the admin port'],
  [/^SOKETI_(?:CORS|HTTP_API)_/, "the app's allowedOrigins says which pages may connect"],
  [/^SOKETI_(?:DEBUG|MODE)$/, 'FANFARE_LOG_LEVEL=debug logs each event and request'],
  [/^SOKETI_SHUTDOWN_GRACE_PERIOD$/, 'FANFARE_SHUTDOWN_GRACE_SECONDS, in seconds'],
  [/^SOKETI_USER_AUTHENTICATION_TIMEOUT$/, 'FANFARE_APPS_0_UNAUTHORIZED_TIMEOUT_SECONDS, in seconds'],
  [/^SOKETI_EVENT_MAX_SIZE_IN_KB$/, 'FANFARE_APPS_0_LIMITS_MAX_EVENT_BYTES, as 100KB'],
  [/^SOKETI_PRESENCE_MAX_MEMBER_SIZE/, 'FANFARE_APPS_0_LIMITS_MAX_PRESENCE_MEMBER_BYTES, as 2KB'],
  [/^SOKETI_.*WEBHOOKS/, 'webhooks are in the configuration file'],
  [/^REVERB_SCALING_/, 'replicas share their state through Redis: set REDIS_URL'],
  [/^REVERB_(?:HOST|PORT|SCHEME)$/, 'your application reads it to find the server: leave it as it is'],
  [/^REVERB_SERVER$/, 'there is only one kind of server'],
  [/^REVERB_(?:PULSE|TELESCOPE)_/, 'the console and /metrics show it'],
  [/^PUSHER_(?:APP_CLUSTER|CLUSTER)$/, 'there are no clusters: clients take wsHost instead, and an empty cluster'],
  [/^PUSHER_(?:HOST|PORT|SCHEME)$/, 'your application reads it to find the server: point it at this one'],
];

const TAKEN_OVER = /^(?:PUSHER_APP_(?:ID|KEY|SECRET)|REDIS_URL|JWT_\w+)$/;

export interface Migration {
  /** `NAME=value`, each with the name that it had. */
  readonly written: ReadonlyArray<{ readonly name: string; readonly value: string; readonly from: string }>;
  readonly without: ReadonlyArray<{ readonly name: string; readonly why: string }>;
}

/** What an environment for soketi, Reverb or the hosted service means here. */
export function migrate(env: Readonly<Record<string, string | undefined>>): Migration {
  const written = new Map<string, { name: string; value: string; from: string }>();
  const without: { name: string; why: string }[] = [];
  for (const [from, value] of Object.entries(env)) {
    if (value === undefined || value === '') continue;
    const name = TAKEN_OVER.test(from) ? from : COUNTERPARTS[from];
    if (name !== undefined) {
      if (!written.has(name)) written.set(name, { name, value: valueFor(name, value), from });
      continue;
    }
    if (!/^(?:SOKETI|REVERB|PUSHER)_/.test(from)) continue;
    const why = WITHOUT_COUNTERPART.find(([pattern]) => pattern.test(from))?.[1];
    without.push({ name: from, why: why ?? 'has no counterpart; docs/configuration.md has every key' });
  }
  return { written: [...written.values()], without };
}

/** Limits of -1 are none there, and 0 here; a path begins with a slash. */
function valueFor(name: string, value: string): string {
  if (value === '-1') return '0';
  if (name === 'FANFARE_PATH_PREFIX') {
    const path = value.replace(/^\/+|\/+$/g, '');
    return path === '' ? '' : `/${path}`;
  }
  return value;
}

export function migrateCommand(command: Command, context: CliContext): void {
  command
    .description('translate variables of soketi, Reverb or the hosted service, and say which have no counterpart')
    .argument('[file]', 'a file such as .env; without one, the variables of this environment')
    .option('--json', 'print it as JSON')
    .addHelpText('after', '\nExamples:\n  fanfare migrate soketi.env > .env\n  fanfare migrate --json /srv/app/.env')
    .action((file: string | undefined, flags: { readonly json?: boolean }) => {
      const { written, without } = migrate(file === undefined ? context.env : readEnv(resolve(context.cwd, file)));
      if (written.length === 0 && without.length === 0) {
        throw new CliFailure(
          `There are no variables of soketi, Reverb or the hosted service in ${file ?? 'the environment'}`,
        );
      }
      if (flags.json === true) {
        context.print(JSON.stringify({ written, without }));
        return;
      }
      for (const { name, value, from } of written) {
        if (from !== name) context.print(`# was ${from}`);
        context.print(`${name}=${quoted(value)}`);
      }
      if (without.length === 0) return;
      context.print('\n# Without a counterpart of the same kind:');
      for (const { name, why } of without) context.print(`#   ${name}: ${why}`);
    });
}

function readEnv(file: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(file, 'utf8')) as Record<string, string | undefined>;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const says = code === 'ENOENT' ? `There is no file ${file}` : `${file} cannot be read (${code})`;
    throw new CliFailure(says, { cause: error });
  }
}

/** As `parseEnv` of Node reads it back: no quote can be escaped, so one is taken that the value does not have. */
function quoted(value: string): string {
  if (/^[\w./:@%+,=-]*$/.test(value)) return value;
  const quote = ["'", '"', '`'].find((mark) => !value.includes(mark)) ?? "'";
  return `${quote}${value}${quote}`;
}
