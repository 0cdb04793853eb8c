import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import t from 'tap';
import { parseQuery } from '../../src/api/query.ts';
import { routeOf } from '../../src/api/router.ts';
import { compilePattern } from '../../src/auth/channel-pattern.ts';
import { tokenOf } from '../../src/auth/token-source.ts';
import { checkHandshake } from '../../src/core/lifecycle/handshake.ts';
import { isOriginAllowed } from '../../src/core/lifecycle/origins.ts';
import { loggablePath, resumeSessionOf } from '../../src/core/lifecycle/resume-token.ts';
import { channelNameProblem, printable } from '../../src/protocol/channel-name.ts';
import { decodeFrame } from '../../src/protocol/frames.ts';
import { ClientIp } from '../../src/transport/client-ip.ts';
import { ROOT } from '../support/cli.ts';
import { regexLiterals } from '../support/regex-literals.ts';
import { app } from '../support/unit-app.ts';

/**
 * Every regular expression of src, as `npm run check:regexes` found it: `linear`, or why no stranger's text comes
 * near it. That command takes a minute, so here the list is compared with the code alone.
 */
const REVIEWED = JSON.parse(readFileSync(new URL('regexes.json', import.meta.url), 'utf8')) as Record<string, string>;

function regexesOf(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .flatMap((file) => {
      const path = relative(root, file).split(sep).join('/');
      return regexLiterals(readFileSync(file, 'utf8')).map(({ source, flags }) => `${path} /${source}/${flags}`);
    });
}

t.test('regular expressions are found', async (t) => {
  const found = (text: string) => regexLiterals(text).map(({ source, flags }) => `/${source}/${flags}`);
  t.strictSame(found('const A = /a[/]b/g;'), ['/a[/]b/g']);
  t.strictSame(found('f(x / 2, /b/.test(y), "/c/", 2 / 3 / 4); // /d/'), ['/b/']);
  t.strictSame(found(`return /a/.test(x) ? \`\${x.replace(/b/g, '')}/c/\` : x;`), ['/a/', '/b/g']);
  t.strictSame(found(`\`/a/\${b(\`/c/\${d}\`)}/e/\`.replace(/f/, {})`), ['/f/']);
  t.strictSame(found('/* /a/ */ const x = y as number / 2 / z;'), []);
});

t.test('each has been checked for growth; a new one: npm run check:regexes', async (t) => {
  const found = new Set(regexesOf(join(ROOT, 'src')));
  t.ok(found.size > 40, 'they were found');
  t.strictSame([...found].filter((regex) => REVIEWED[regex] === undefined).sort(), [], 'not checked yet');
  t.strictSame(
    Object.keys(REVIEWED).filter((regex) => !found.has(regex)),
    [],
    'not there any more',
  );
});

/** How the time of `run` grows when what it is given is doubled: 2 for what is linear, 4 for what is quadratic. */
function growth(run: (length: number) => void, length: number): number {
  const fastest = (of: number) => {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 7; i += 1) {
      const start = performance.now();
      run(of);
      best = Math.min(best, performance.now() - start);
    }
    return best;
  };
  run(length);
  // What takes next to no time is not slow, whatever the clock makes of it.
  const FLOOR_MS = 0.2;
  return Math.sqrt((fastest(length * 4) + FLOOR_MS) / (fastest(length) + FLOOR_MS));
}

const noApps = { findById: () => undefined, findByKey: () => undefined, all: () => [] };
const pattern = compilePattern('{a}-{b}-{c}.x');
const proxies = new ClientIp(['10.0.0.0/8']);
const bearer = (authorization: string) => {
  try {
    return tokenOf({ authorization, cookie: '', origin: '', host: '' }, app(), undefined);
  } catch (error) {
    return error;
  }
};
const quietly = (run: () => unknown) => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};

const PARSERS: ReadonlyArray<readonly [string, (length: number) => unknown]> = [
  ['Authorization of spaces', (n) => bearer(`Bearer${' '.repeat(n)}x y`)],
  ['a name for a pattern of three parameters', (n) => pattern.match('-'.repeat(n))],
  ['a name of many segments', (n) => pattern.match('a-.'.repeat(n))],
  ['a path of many /resume/', (n) => resumeSessionOf(`${'/resume/a'.repeat(n)}/app/`)],
  ['a path for the log', (n) => loggablePath(`${'/resume/a'.repeat(n)}/app/x/`)],
  ['a handshake of many /app/', (n) => quietly(() => checkHandshake(handshake('/app/a'.repeat(n)), noApps))],
  ['an origin of dots', (n) => isOriginAllowed(['https://*.example.com'], `https://${'a.'.repeat(n)}-.example.com`)],
  ['X-Forwarded-For of many proxies', (n) => proxies.resolve('10.0.0.1', '10.0.0.1,'.repeat(n))],
  ['X-Forwarded-For of brackets', (n) => proxies.resolve('10.0.0.1', `[${'['.repeat(n)}`)],
  ['a query of escapes', (n) => quietly(() => parseQuery(`a=${'%zz%41'.repeat(n)}`))],
  ['a query of ampersands', (n) => quietly(() => parseQuery('&'.repeat(n)))],
  ['a path of slashes', (n) => routeOf(`/apps/a/channels${'/'.repeat(n)}`)],
  ['a path of escapes', (n) => routeOf(`/apps/a/channels/${'%41%'.repeat(n)}`)],
  ['a channel name', (n) => channelNameProblem(`${'a'.repeat(n)}!`, n * 2)],
  ['text for the log', (n) => printable('\u0000'.repeat(n), n)],
  ['a frame of brackets', (n) => decodeFrame('['.repeat(n))],
  ['a frame of backslashes', (n) => decodeFrame(`{"event":"${'\\'.repeat(n)}`)],
];

function handshake(path: string) {
  return { path, query: '', origin: '', ip: '', secure: false };
}

for (const [what, run] of PARSERS) {
  t.test(`the time for ${what} grows no faster than its length`, async (t) => {
    const factor = growth((length) => void run(length), 2000);
    t.ok(factor < 3, `${factor.toFixed(2)} times for twice the length`);
  });
}
