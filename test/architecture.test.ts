import { posix } from 'node:path';
import t from 'tap';
import { filesOf, longLines, longProse, type SourceFile } from './support/source-files.ts';

const BELOW_SIBLINGS = ['protocol', 'core'];
const SIBLINGS = ['broker', 'transport', 'api', 'auth', 'webhooks', 'admin'];
/** What a setting may be is said where it is used; these files hold such rules, and nothing that runs. */
const RULES_OF_SETTINGS = ['auth/settings.ts', 'auth/algorithms.ts', 'broker/redis/wire/url.ts'];

/**
 * The arrows of docs/architecture.md: protocol <- core <- { broker | transport | api | auth | webhooks | admin } <-
 * server <- cli. Each folder of src, or file directly in it, with what it may import; siblings do not know each other.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  core: ['protocol'],
  ...Object.fromEntries(SIBLINGS.map((sibling) => [sibling, BELOW_SIBLINGS])),
  config: ['core', ...RULES_OF_SETTINGS],
  dashboard: [],
  server: [...BELOW_SIBLINGS, ...SIBLINGS, 'config'],
  index: [...BELOW_SIBLINGS, ...SIBLINGS, 'config', 'server'],
  cli: [...BELOW_SIBLINGS, ...SIBLINGS, 'config', 'server'],
};

/**
 * The floors within a room: each folder with the folders of the same room that it may import, its own always among
 * them. A file that stands in the room itself puts the floors together, and may import them all.
 */
const FLOORS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  core: {
    contracts: [],
    connection: ['contracts'],
    delivery: ['contracts'],
    cluster: ['contracts', 'delivery'],
    resume: ['contracts', 'connection', 'cluster', 'delivery'],
    subscriptions: ['contracts', 'connection', 'delivery', 'resume'],
    lifecycle: ['contracts', 'connection', 'delivery', 'resume', 'subscriptions'],
  },
  broker: { memory: [], redis: [] },
  'broker/redis': {
    scripts: [],
    wire: ['scripts'],
    lease: ['scripts', 'wire'],
    log: ['scripts', 'wire'],
    outbox: ['scripts', 'wire'],
    requests: ['scripts', 'wire'],
    quotas: ['scripts', 'wire', 'lease'],
    roster: ['scripts', 'wire', 'lease'],
  },
};

/** Where config may look without needing anything of it at run time. */
const TYPES_ONLY: Readonly<Record<string, string>> = { config: 'core' };

/** Packages that one place alone knows of, so that they can be replaced there. */
const PACKAGE_HOMES: ReadonlyArray<readonly [RegExp, readonly string[]]> = [
  [/^ioredis$/, ['broker/redis/']],
  [/^uWebSockets\.js(-lts)?$/, ['transport/']],
  [/^(fastify|@fastify\/.*)$/, ['auth/', 'admin/']],
  [/^(jose|undici)$/, ['auth/']],
  [/^zod$/, ['config/']],
  [/^pino(-pretty)?$/, ['server.ts', 'server/']],
  [/^commander$/, ['cli/', 'cli.ts']],
  [/^pusher-js$/, ['cli/']],
  [/^prom-client$/, ['admin/']],
];

const MAX_LINES = 320;
/** Folders whose lines are measured, beside `src`; and pages, of which the prose is. */
const OTHER_CODE = ['test', 'bench', 'scripts', 'config', 'examples', 'console', 'client'];
const PAGES = ['.', 'docs'];

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const STATEMENT = /^\s*(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?(['"])([^'"]+)\2/gm;
const DYNAMIC = /\bimport\(\s*(['"`])([^'"`]+)\1/g;

function importsOf(text: string): Import[] {
  const found: Import[] = [];
  for (const [, type, , specifier] of text.matchAll(STATEMENT)) {
    if (specifier !== undefined) found.push({ specifier, typeOnly: type !== undefined });
  }
  for (const [, , specifier] of text.matchAll(DYNAMIC)) {
    if (specifier !== undefined) found.push({ specifier, typeOnly: false });
  }
  return found;
}

/**
 * A file's floor in a room: `resume` of `core/resume/x.ts` in `core`; undefined if the file stands in the room itself.
 */
function floorOf(path: string, room: string): string | undefined {
  const [floor, ...rest] = path.slice(room.length + 1).split('/');
  return rest.length === 0 ? undefined : floor;
}

/** What is wrong with an import within one room, or undefined. A room may be a floor of another. */
function floorProblem(path: string, target: string): string | undefined {
  for (const [room, floors] of Object.entries(FLOORS)) {
    if (!path.startsWith(`${room}/`) || !target.startsWith(`${room}/`)) continue;
    const from = floorOf(path, room);
    const to = floorOf(target, room);
    if (from === undefined || from === to) continue;
    const allowed = floors[from];
    if (allowed === undefined) return `${path}: say in FLOORS what ${room}/${from} may import`;
    if (to === undefined || !allowed.includes(to)) return `${path} imports ${target}: against the floors of ${room}`;
  }
  return undefined;
}

/** The first circle of imports among the files, as a list of paths, or undefined. */
function importCircle(files: readonly SourceFile[]): readonly string[] | undefined {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): readonly string[] | undefined => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const { specifier } of importsOf(texts.get(path) ?? '')) {
      if (!specifier.startsWith('.')) continue;
      const found = visit(posix.normalize(posix.join(posix.dirname(path), specifier)), [...way, path]);
      if (found !== undefined) return found;
    }
    done.add(path);
    return undefined;
  };
  for (const path of texts.keys()) {
    const found = visit(path, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `core` of `core/session.ts`, `cli` of `cli.ts`. */
function unitOf(path: string): string {
  return path.split('/')[0]?.replace(/\.ts$/, '') ?? path;
}

/** What is wrong with one import, or undefined. */
function importProblem(path: string, { specifier, typeOnly }: Import): string | undefined {
  const unit = unitOf(path);
  if (!specifier.startsWith('.')) return packageProblem(path, specifier);
  const target = posix.normalize(posix.join(posix.dirname(path), specifier));
  if (target.startsWith('..')) return `${path} imports ${specifier}, which is outside of src`;
  const targetUnit = unitOf(target);
  if (targetUnit === unit) return floorProblem(path, target);
  const allowed = MAY_IMPORT[unit];
  if (allowed === undefined) return `${path}: say in MAY_IMPORT what ${unit} may import`;
  if (!allowed.includes(targetUnit) && !allowed.includes(target))
    return `${path} imports ${target}: against the arrows`;
  if (TYPES_ONLY[unit] === targetUnit && !typeOnly) return `${path} imports more than types of ${target}`;
  return undefined;
}

function packageProblem(path: string, specifier: string): string | undefined {
  const unit = unitOf(path);
  if (unit === 'protocol') {
    return specifier === 'node:crypto'
      ? undefined
      : `${path} imports ${specifier}: the protocol knows node:crypto only`;
  }
  if (unit === 'core' && !specifier.startsWith('node:'))
    return `${path} imports ${specifier}: the core has no packages`;
  for (const [name, homes] of PACKAGE_HOMES) {
    if (name.test(specifier) && !homes.some((home) => path.startsWith(home))) {
      return `${path} imports ${specifier}, which is for ${homes.join(' and ')} alone`;
    }
  }
  return undefined;
}

/** Blanks comments and the text of strings, so that what is found is code. Positions of lines stay. */
function codeOf(text: string): string {
  const blank = (found: string) => found.replace(/[^\n]/g, ' ');
  return text.replace(
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g,
    (found, offset: number) => (text[offset - 1] === '\\' ? found : blank(found)),
  );
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** Errors that vanish, and types that check nothing. */
function habitProblems({ path, text }: SourceFile): string[] {
  const code = codeOf(text);
  const problems: string[] = [];
  const lines = text.trimEnd().split('\n').length;
  if (lines > MAX_LINES) problems.push(`${path} has ${lines} lines: it is probably two files`);
  const search = (pattern: RegExp, what: string) => {
    for (const { index } of code.matchAll(pattern)) problems.push(`${path}:${lineOf(code, index)}: ${what}`);
  };
  search(/\bcatch\s*(?:\([^)]*\)\s*)?\{\s*\}/g, 'an empty catch');
  search(/\.catch\(\s*(?:\(\s*\w*\s*\)|\w+)\s*=>\s*(?:\{\s*\}|undefined|null)\s*\)/g, 'a rejection that is swallowed');
  search(/(?:[:<,|&]\s*|\bas\s+|\bextends\s+)any\b(?!\s*[(:'.])/g, 'the type any');
  return problems;
}

function sources(): SourceFile[] {
  return filesOf('src', /\.tsx?$/, true).map(({ path, text }) => ({ path: path.slice('src/'.length), text }));
}

t.test('the checks find what they are for', async (t) => {
  const wrong = (path: string, statement: string) =>
    t.equal(importsOf(statement).filter((found) => importProblem(path, found) !== undefined).length, 1, statement);
  const right = (path: string, statement: string) => {
    const found = importsOf(statement);
    t.equal(found.length, 1, `seen: ${statement}`);
    t.strictSame(
      found.map((one) => importProblem(path, one)),
      [undefined],
      statement,
    );
  };
  wrong('core/session.ts', "import { x } from '../broker/memory-broker.ts';");
  wrong('core/session.ts', "import type { x } from '../transport/uws.ts';");
  wrong('core/session.ts', "import {\n  a,\n  type B,\n} from '../server.ts';");
  wrong('core/session.ts', "import { nanoid } from 'nanoid';");
  wrong('protocol/frames.ts', "export { x } from '../core/app.ts';");
  wrong('protocol/frames.ts', "import { readFileSync } from 'node:fs';");
  wrong('api/events.ts', "import '../auth/index.ts';");
  wrong('api/events.ts', "const x = await import('../transport/uws.ts');");
  wrong('api/events.ts', "import type { Config } from '../config/schema.ts';");
  wrong('api/events.ts', "import fastify from 'fastify';");
  wrong('broker/memory/memory-broker.ts', "import { Redis } from 'ioredis';");
  wrong('server.ts', "import type { TemplatedApp } from 'uWebSockets.js';");
  wrong('server.ts', "import { runCli } from './cli/program.ts';");
  wrong('config/schema.ts', "import { ConfiguredApps } from '../core/app.ts';");
  wrong('config/schema.ts', "import { createTokenVerifier } from '../auth/token.ts';");
  wrong('cli/token.ts', "import pkg from '../../package.json';");
  wrong('newcomer/x.ts', "import { x } from '../core/app.ts';");
  wrong('core/contracts/broker.ts', "import { Connection } from '../connection/connection.ts';");
  wrong('core/delivery/delivery.ts', "import type { Connection } from '../connection/connection.ts';");
  wrong('core/attic/x.ts', "import { topicOf } from '../contracts/topic.ts';");
  wrong('broker/memory/memory-broker.ts', "import { RedisStore } from '../redis/wire/store.ts';");
  wrong('broker/redis/scripts/log.ts', "import { Keyspace } from '../wire/keys.ts';");
  wrong('broker/redis/quotas/redis-quotas.ts', "import type { RedisRoster } from '../roster/redis-roster.ts';");
  wrong('broker/redis/roster/redis-roster.ts', "import type { RedisBroker } from '../redis-broker.ts';");
  wrong('broker/redis/attic/x.ts', "import { Lease } from '../lease/lease.ts';");
  right('broker/redis/roster/redis-roster.ts', "import { Lease } from '../lease/lease.ts';");
  right('broker/redis/redis-broker.ts', "import { PUBLISH } from './scripts/frames.ts';");
  right('core/lifecycle/drain.ts', "import type { Connection } from '../connection/connection.ts';");
  right('core/create-core.ts', "import { Delivery } from './delivery/delivery.ts';");
  right('core/session.ts', "import { randomInt } from 'node:crypto';");
  right('core/session.ts', "import type { x } from './app.ts';");
  right('core/session.ts', "import { x } from '../protocol/frames.ts';");
  right('config/schema.ts', "import type { App } from '../core/app.ts';");
  right('broker/redis/wire/link.ts', "import { Redis } from 'ioredis';");
  right('transport/websocket.ts', "import type { WebSocket } from 'uWebSockets.js';");
  right('server.ts', "import { createApi } from './api/index.ts';");
  right('cli.ts', "import { runCli } from './cli/program.ts';");

  const habits = (text: string) => habitProblems({ path: 'x.ts', text }).length;
  t.equal(habits('try { a(); } catch {}'), 1);
  t.equal(habits('try { a(); } catch (error) {\n  // nothing to do\n}'), 1, 'a comment handles nothing');
  t.equal(habits('a().catch(() => {});'), 1);
  t.equal(habits('a().catch(() => undefined);'), 1);
  t.equal(habits('const a: any = 1;'), 1);
  t.equal(habits('const a = b as any;'), 1);
  t.equal(habits('const a = new Map<string, any>();'), 1);
  t.equal(habits('function f(...rest: any[]) {}'), 1);
  t.equal(habits('a\n'.repeat(MAX_LINES + 1)), 1);
  t.equal(habits("// as any: any\nconst a = ': any';\napp.any('/*', f);\na\n".repeat(MAX_LINES / 4)), 0);
  t.equal(habits('try { a(); } catch (error) {\n  log(error);\n}\na().catch((error) => log(error));'), 0);
});

t.test('imports follow the arrows, and packages stay where they belong', async (t) => {
  const files = sources();
  t.ok(files.length > 50, 'the sources were found');
  for (const { path, text } of files) {
    for (const found of importsOf(text)) t.equal(importProblem(path, found), undefined);
  }
});

t.test('no import goes in a circle', async (t) => {
  const file = (path: string, text: string): SourceFile => ({ path, text });
  const circle = [
    file('a/x.ts', "import { y } from '../b/y.ts';"),
    file('b/y.ts', "import type { x } from '../a/x.ts';"),
  ];
  t.strictSame(importCircle(circle), ['a/x.ts', 'b/y.ts', 'a/x.ts']);
  t.equal(importCircle(circle.slice(1)), undefined);
  t.equal(importCircle(sources()), undefined);
});

t.test('the rules of settings bring nothing that runs', async (t) => {
  const texts = new Map(sources().map(({ path, text }) => [path, text]));
  const packages = (path: string): string[] => {
    const text = texts.get(path);
    if (text === undefined) throw new Error(`there is no ${path}`);
    return importsOf(text).flatMap(({ specifier }) =>
      specifier.startsWith('.') ? packages(posix.join(posix.dirname(path), specifier)) : [specifier],
    );
  };
  for (const path of RULES_OF_SETTINGS)
    t.ok(
      packages(path).every((name) => name.startsWith('node:')),
      path,
    );
});

t.test('no import escapes the check', async (t) => {
  for (const { path, text } of sources()) {
    const written = text.match(/^(?!\s*(?:\/\/|\*)).*\bfrom '[^']+';$/gm)?.length ?? 0;
    t.ok(importsOf(text).length >= written, path);
  }
});

t.test('files stay small, errors are not swallowed, types are types', async (t) => {
  for (const file of sources()) t.strictSame(habitProblems(file), []);
});

t.test('lines of code, comments and prose end within 120 columns', async (t) => {
  const file = (text: string): SourceFile => ({ path: 'x', text });
  const long = 'word '.repeat(30);
  t.equal(longLines(file(`// ${long}\nconst a = '${long}';\n${'ä'.repeat(120)}`)).length, 2);
  t.equal(longLines(file(`  '${long}',\n  /${long}/u;`)).length, 0);
  t.equal(longProse(file(`${long}\n- ${long}`)).length, 2);
  t.equal(longProse(file(`| ${long}\n\`\`\`\n${long}\n\`\`\`\n[a](${'b'.repeat(120)})`)).length, 0);

  const code = ['src', ...OTHER_CODE].flatMap((folder) => filesOf(folder, /\.(?:[cm]?[jt]sx?|html|css)$/, true));
  const pages = PAGES.flatMap((folder) => filesOf(folder, /\.md$/, false));
  t.ok(code.length > 200 && pages.length > 10, 'the files were found');
  t.strictSame([...code.flatMap(longLines), ...pages.flatMap(longProse)], []);
});

t.test('no assertion cannot fail', async (t) => {
  const passes = filesOf('test', /\.ts$/, true).filter(({ text }) => /\bt\.pass\(/.test(codeOf(text)));
  t.strictSame(
    passes.map(({ path }) => path),
    [],
  );
});
