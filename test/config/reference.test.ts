import { readFileSync } from 'node:fs';
import t from 'tap';
import { pathText, SECTIONS, SETTINGS } from '../../src/config/describe.ts';
import { configurationPage } from '../../src/config/reference.ts';
import { configSchema } from '../../src/config/schema.ts';
import { parseSize, sizeText } from '../../src/config/setting.ts';
import { load, problemsOf } from '../support/config.ts';

t.test('docs/configuration.md is what the schema says', async (t) => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  t.equal(page, configurationPage(), 'npm run docs:config writes it anew');
});

t.test('every key and section is described in a sentence', async (t) => {
  for (const { path, description } of [...SETTINGS, ...SECTIONS.slice(1)])
    t.match(description, /^.{8,}\.$/, pathText(path));
});

t.test("the page's example is a configuration", async (t) => {
  const example = /```json\n(.*?)```/s.exec(configurationPage())?.[1];
  t.same(problemsOf({ file: example ?? '', env: { NODE_ENV: 'production', CHAT_SECRET: 'x' } }), []);
});

t.test('every number and size says what it may be', async (t) => {
  for (const { kind, range, path } of SETTINGS) {
    const bounded = ['integer', 'number', 'size'].includes(kind);
    if (bounded) t.match(range, /^\S+ (to \S+|or more)$/, path.join('.'));
    else t.equal(range, undefined, path.join('.'));
  }
});

t.test('every default is itself valid when it is written out', async (t) => {
  const { config } = load();
  const { secret: _, ...app } = config.apps[0] ?? {};
  t.ok(configSchema.safeParse({ ...config, apps: [{ ...app, secret: 's' }] }).success);
});

t.test('sizes', async (t) => {
  for (const [written, bytes] of [
    [5, 5],
    ['5', 5],
    ['5B', 5],
    ['100KB', 102_400],
    ['100kb', 102_400],
    ['1.5 MB', 1_572_864],
    ['2GB', 2_147_483_648],
    ['1.3B', undefined],
    ['-1', undefined],
    ['', undefined],
    ['1TB', undefined],
    [0.5, undefined],
    [Number.NaN, undefined],
  ] as const) {
    t.equal(parseSize(written), bytes, String(written));
  }
  t.same([0, 1000, 1024, 102_400, 1_048_576].map(sizeText), ['0', '1000', '1KB', '100KB', '1MB']);
});
