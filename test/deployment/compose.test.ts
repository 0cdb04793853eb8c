import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DOCKER = `${ROOT}docker/`;

interface Service {
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly volumes?: readonly string[];
  readonly build?: { readonly dockerfile: string; readonly target: string };
  readonly stop_grace_period?: string;
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
}

const read = (file: string) => parse(readFileSync(DOCKER + file, 'utf8'), { merge: true }) as ComposeFile;

function serviceOf(file: ComposeFile, name: string): Service {
  const service = file.services[name];
  if (service === undefined) throw new Error(`the compose file has no service ${name}`);
  return service;
}

/** `${NAME}`, `${NAME:-default}` and `${NAME:?message}`, as Compose reads them. */
function substituted(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, kind: string, other: string) => {
    const value = env[name];
    if (value !== undefined && value !== '') return value;
    if (kind === '-') return other;
    throw new Error(`${name} is not set`);
  });
}

/** The names of the lines that are filled in, and not those that are commented out. */
const required = [...readFileSync(`${DOCKER}production.env.example`, 'utf8').matchAll(/^([A-Z_]+)=/gm)].map(
  ([, name]) => name ?? '',
);
const SIX = Object.fromEntries(
  required.map((name) => [name, `${name.toLowerCase()}-0123456789-0123456789-0123456789`]),
);

t.test('what the files name is there', async (t) => {
  for (const file of ['compose.yml', 'compose.prod.yml']) {
    for (const [name, { volumes = [], build }] of Object.entries(read(file).services)) {
      if (build !== undefined) {
        t.ok(existsSync(ROOT + build.dockerfile), `${name}: ${build.dockerfile}`);
        t.match(readFileSync(ROOT + build.dockerfile, 'utf8'), new RegExp(`^FROM .* AS ${build.target}$`, 'm'));
      }
      for (const volume of volumes) {
        const [source = ''] = substituted(volume, SIX).split(':');
        if (source.startsWith('.')) t.ok(existsSync(DOCKER + source), `${name}: ${source}`);
      }
    }
  }
  const dockerfile = readFileSync(`${DOCKER}Dockerfile`, 'utf8');
  for (const [, copied = ''] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
    for (const source of copied.split(' ')) {
      if (!source.endsWith('*')) t.ok(existsSync(ROOT + source), `the Dockerfile copies ${source}`);
    }
  }
});

t.test('six variables are all that production needs, and Fanfare takes what it is given', async (t) => {
  t.equal(required.length, 6);
  const text = readFileSync(`${DOCKER}compose.prod.yml`, 'utf8');
  const wanted = new Set([...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name));
  t.strictSame([...wanted].sort(), [...required].sort(), 'those without which the file refuses to start');

  const { environment = {} } = serviceOf(read('compose.prod.yml'), 'fanfare');
  const env = Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, substituted(String(value), SIX)]),
  );
  const { config, warnings } = loadConfig({ env, cwd: ROOT });
  t.strictSame(warnings, []);
  t.ok(config.redis.url?.startsWith('redis://:'));
  t.strictSame(config.trustedProxies, ['172.31.231.0/24']);
});

t.test('the development file starts with what it sets', async () => {
  const { environment = {} } = serviceOf(read('compose.yml'), 'fanfare');
  const entries = Object.entries(environment).map(([name, value]) => [name, substituted(String(value), {})]);
  loadConfig({ env: Object.fromEntries(entries) as Record<string, string>, cwd: ROOT });
});

t.test('a replica has longer to stop than it takes to drain', async (t) => {
  const { environment = {}, stop_grace_period: period = '' } = serviceOf(read('compose.prod.yml'), 'fanfare');
  const drainSeconds = Number(environment.FANFARE_SHUTDOWN_GRACE_SECONDS);
  t.ok(drainSeconds > 0);
  t.ok(Number(/^(\d+)s$/.exec(period)?.[1]) >= drainSeconds + 5, `${period} for ${drainSeconds} s`);
});
