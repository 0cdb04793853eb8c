import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { pathText, SETTINGS, type Setting } from '../src/config/describe.ts';
import { BOUND_NAMES } from '../src/core/contracts/metrics.ts';
import { ROOT } from './support/cli.ts';
import { startRedis } from './support/redis-server.ts';
import { filesOf } from './support/source-files.ts';
import { startFanfare } from './support/target.ts';

/**
 * docs/security.md has a table of all that strangers could make grow, wait or repeat, and of what bounds it. A bound is
 * a setting that is a number, or a constant called `MAX_…`; the metrics tell of it by a name of BOUND_NAMES. Each of
 * them must be in the table, with its value, and the table may name nothing else.
 */
const ROOMS = /^src\/(?:transport|auth|api|broker|core|webhooks|server|admin)\//;

/** Constants of that name that bound nothing which is held, waited for or repeated. */
const NO_BOUNDS: Readonly<Record<string, string>> = {
  MAX_HEADERS_VARIABLE: 'the name of a variable: http.maxHeaderBytes is in the table',
  MAX_IDLE_TIMEOUT_SECONDS: 'the most that uWebSockets.js takes',
  MAX_AGE_SECONDS: 'what browsers are told of a file',
  MAX_TIMER_MS: 'the longest timer that Node has',
  MAX_PATTERNS_SHOWN: 'the length of a sentence in development',
  MAX_REASON_LENGTH: 'the length of a sentence in the log',
  MAX_RECONNECT_MS: 'a pause between two tries',
};

/** Settings that are numbers and bound nothing either. */
const NO_LIMITS: Readonly<Record<string, string>> = {
  port: 'a port',
  'admin.port': 'a port',
  'connections.activityTimeoutSeconds': 'when clients ping',
  'auth.jwt.clockToleranceSeconds': 'how clocks may differ',
  'auth.jwt.jwksCacheSeconds': 'how fresh keys are',
  'auth.jwt.jwksCooldownSeconds': 'how fresh keys are',
  'resume.ackIntervalSeconds': 'how often the server asks',
  'resume.checkpointSeconds': 'how often the server saves',
  'webhooks.graceSeconds': 'how long a going is kept back',
  'userStatus.graceSeconds': 'how long a going is kept back',
};

/** Bounds in the table that have another name than `MAX_…`. */
const OTHER_CONSTANTS: Readonly<Record<string, number>> = { CACHE_TTL_SECONDS: 1800 };

interface Row {
  readonly what: string;
  readonly most: string;
  readonly setBy: readonly string[];
  readonly metrics: readonly string[];
  readonly messages: readonly string[];
}

const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = '']) => found);

const page = readFileSync(join(ROOT, 'docs/security.md'), 'utf8');
const [, table = ''] = page.split(/<!-- \/?bounds -->/);
const rows: readonly Row[] = table
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .slice(2)
  .map((line) => line.split('|').slice(1, -1))
  .filter(([what = '']) => !what.startsWith(' **'))
  .map(([what = '', most = '', setBy = '', , toldBy = '']) => ({
    ...{ what: what.trim(), most, setBy: all(setBy, /`([^`]+)`/g) },
    metrics: all(toldBy, /`([^`]+)`/g),
    messages: all(toldBy, /"([^"]+)"/g),
  }));

const sources = filesOf('src', /\.ts$/, true).filter(({ path }) => ROOMS.test(path));

/** By name. Products of whole numbers are all that such constants are; NaN stands for what is none. */
const constants = new Map(Object.entries(OTHER_CONSTANTS));
const declaredTwice: string[] = [];
for (const { text } of sources) {
  for (const [, name = '', written = ''] of text.matchAll(/^(?:export )?const (MAX_[A-Z_\d]+) = ([^;]+);/gm)) {
    const factors = written.replaceAll('_', '').split(' * ').map(Number);
    if (constants.has(name)) declaredTwice.push(name);
    constants.set(
      name,
      factors.reduce((product, factor) => product * factor, 1),
    );
  }
}
const settings = new Map(SETTINGS.map((setting) => [pathText(setting.path), setting]));
const inTable = new Set(rows.flatMap(({ setBy }) => setBy));
const toldInTable = new Set(rows.flatMap(({ metrics }) => metrics));

const grouped = (value: number) => value.toLocaleString('en');

/** `1 MB`, `64 KB`, `1,500 bytes`. */
function sizeText(bytes: number): string {
  const [unit, divisor] = bytes >= 1024 ** 2 ? ['MB', 1024 ** 2] : bytes >= 1024 ? ['KB', 1024] : ['bytes', 1];
  return `${grouped(bytes / Number(divisor))} ${unit}`;
}

function charactersText(characters: number): string {
  const [unit, divisor] = characters >= 1024 ** 2 ? ['Mi', 1024 ** 2] : ['Ki', 1024];
  return characters % 1024 === 0 ? `${characters / Number(divisor)} ${unit} characters` : grouped(characters);
}

/** How the table writes the value of something with this name. */
function valueText(name: string, value: number): string {
  if (/bytes/i.test(name)) return sizeText(value);
  if (/characters/i.test(name)) return charactersText(value);
  if (name.endsWith('_MS')) return `${grouped(value / 1000)} s`;
  if (/_seconds|[a-z]Seconds$/i.test(name)) return value === 0 ? 'no limit' : `${grouped(value)} s`;
  return value === 0 ? 'no limit' : grouped(value);
}

function settingText(path: string, { kind, defaultValue, defaultNote }: Setting): string {
  return kind === 'size' ? (defaultNote ?? '').replace(/(\d)([A-Z])/, '$1 $2') : valueText(path, Number(defaultValue));
}

function isNumber({ kind }: Setting): boolean {
  return kind === 'integer' || kind === 'number' || kind === 'size';
}

/** The value as a whole: `4 MB` does not stand in `64 MB`. */
function holds(most: string, text: string): boolean {
  return new RegExp(`(?<![\\d.,])${text.replaceAll('.', '\\.')}(?![\\d]|,\\d)`).test(most);
}

t.test('every bound in the code is in the table, and the other way round', async (t) => {
  t.ok(rows.length > 60, 'the table was found');
  t.strictSame(declaredTwice, [], 'a name stands for one bound');
  const bounds = [...constants.keys()].filter((name) => NO_BOUNDS[name] === undefined);
  t.strictSame(
    bounds.filter((name) => !inTable.has(name)),
    [],
    'constants that the table lacks',
  );
  t.strictSame(
    Object.keys(NO_BOUNDS).filter((name) => !constants.has(name)),
    [],
    'exceptions that have gone',
  );
  const limits = [...settings].filter(([path, setting]) => isNumber(setting) && NO_LIMITS[path] === undefined);
  t.strictSame(
    limits.flatMap(([path]) => (inTable.has(path) ? [] : [path])),
    [],
    'settings that the table lacks',
  );
  t.strictSame(
    Object.keys(NO_LIMITS).filter((path) => !settings.has(path)),
    [],
    'exceptions that have gone',
  );
  const unknown = [...inTable].filter((name) => name !== 'ulimit -n' && !constants.has(name) && !settings.has(name));
  t.strictSame(unknown, [], 'the table names nothing else');
});

t.test('the table has the values that hold', async (t) => {
  for (const { what, most, setBy } of rows) {
    for (const name of setBy) {
      const setting = settings.get(name);
      const text =
        setting === undefined ? valueText(name, constants.get(name) ?? Number.NaN) : settingText(name, setting);
      t.ok(holds(most, text), `${what}: ${name} is ${text}, and the table says${most}`);
    }
  }
});

t.test('what a running server shows of its bounds is in the table, with the same limits', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const shown = new Set<string>();
  const families = new Set<string>();
  for (const shared of [{}, { redis: { url: redis.url } }]) {
    const { adminOrigin } = await startFanfare(t, { admin: { port: 0 }, ...shared });
    const text = await (await fetch(`${adminOrigin}/metrics`)).text();
    for (const family of all(text, /^# TYPE (\S+)/gm)) families.add(family);
    for (const [, name = '', value = ''] of text.matchAll(/^fanfare_bound_limit\{bound="([\w-]+)"\} (\d+)$/gm)) {
      shown.add(name);
      const row = rows.find(({ metrics }) => metrics.includes(name));
      const limit = valueText(name, Number(value));
      t.ok(row !== undefined && holds(row.most, limit), `${name} is ${limit}, and the table says ${row?.most}`);
    }
  }
  t.ok(shown.size >= 15, 'it shows some');
  const known = new Set<string>(BOUND_NAMES);
  t.strictSame(
    [...shown].filter((name) => !known.has(name)),
    [],
    'shown by names that are listed',
  );
  t.strictSame(
    BOUND_NAMES.filter((name) => !toldInTable.has(name)),
    [],
    'bounds that the table lacks',
  );
  const unknown = [...toldInTable].filter((name) => !known.has(name) && !families.has(name));
  t.strictSame(unknown, [], 'metrics that nobody shows');
  const code = sources.map(({ text }) => text).join('\n');
  const counted = (name: string) => code.includes(`'${name}'`) || /^(?:triggers|reads)-per-second$/.test(name);
  t.strictSame(
    BOUND_NAMES.filter((name) => !shown.has(name) && !counted(name)),
    [],
    'bounds that nobody counts',
  );
  for (const message of rows.flatMap(({ messages }) => messages)) t.ok(code.includes(message), `${message} is logged`);
});
