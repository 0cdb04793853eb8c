import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import t from 'tap';
import { ROOT } from '../support/cli.ts';
import { complaints, projectFolder } from '../support/compiler.ts';
import { compilableSnippets, PAGES, snippetsOf } from '../support/docs/snippets.ts';

const { version: PUSHER_JS } = createRequire(import.meta.url)('pusher-js/package.json') as { version: string };

t.test('every snippet of the documentation compiles under strict', async (t) => {
  const folder = projectFolder(t);
  const files = compilableSnippets();
  t.ok(files.size > 12, 'they were found');
  for (const [name, code] of files) writeFileSync(join(folder, name), code);
  t.equal(complaints(folder, [...files.keys()]), '');

  const untyped =
    "import Pusher from 'pusher-js';\nnew Pusher('k', { cluster: '', channelAuthorization: { endpoint: '/' } });";
  writeFileSync(join(folder, 'wrong.ts'), untyped);
  t.match(complaints(folder, ['wrong.ts']), /TS2322.*transport/s, 'and one that does not is found');
});

t.test('so do the examples, their rules and the snippets for backends', async (t) => {
  const examples = readdirSync(join(ROOT, 'examples'), { recursive: true, encoding: 'utf8' });
  const files = (pattern: RegExp) =>
    examples.filter((name) => pattern.test(name)).map((name) => join(ROOT, 'examples', name));
  const typed = files(/\.ts$/);
  const plain = [...files(/\.mjs$|channels\.js$/), join(ROOT, 'config/channels.js')];
  t.ok(typed.length > 12 && plain.length > 6, 'they were found');
  t.equal(complaints(projectFolder(t), typed), '');
  t.equal(complaints(projectFolder(t), plain, { noImplicitAny: false }), '', 'plain JavaScript types no parameters');
});

t.test('pages load the version of pusher-js that is tested', async (t) => {
  const html = PAGES.flatMap(snippetsOf).filter(({ language }) => language === 'html');
  const sources = ['src/cli/page-snippet.ts'].map((name) => readFileSync(join(ROOT, name), 'utf8'));
  const scripts = [...html.map(({ code }) => code), ...sources].join('\n').match(/<script src="http[^"]*pusher[^"]*/g);
  t.ok(scripts && scripts.length >= 2, 'they were found');
  const [, inSource] = /PUSHER_JS_VERSION = '(.+)'/.exec(sources.join()) ?? [];
  for (const script of scripts ?? [])
    t.match(script.replace(`\${PUSHER_JS_VERSION}`, inSource ?? ''), `@${PUSHER_JS}/`);
});
