import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';
import { loadRules } from '../../src/auth/index.ts';
import { ROOT, run, start, startNode } from '../support/cli.ts';
import { projectFolder } from '../support/compiler.ts';
import { snippetWith } from '../support/docs/snippets.ts';
import { openBrowser } from '../support/scenarios/browser.ts';
import { startFanfare } from '../support/target.ts';
import { RUN_TYPESCRIPT } from '../support/typescript.ts';
import { until } from '../support/wait.ts';

/** What the pages take for granted: a server in development, at the port that they name. */
const DEVELOPMENT = { jwt: { secret: 'fanfare-development-jwt-secret-never-for-production' } };
const rulesFile = join(ROOT, 'config/channels.js');
const target = await startFanfare(t, { auth: { ...DEVELOPMENT, rulesFile } });
const here = (code: string) => code.replaceAll('6001', String(target.port)).replaceAll('localhost', '127.0.0.1');

/** A folder with a snippet as a module, which finds the project's packages. */
function moduleOf(t: Test, name: string, code: string): string {
  const file = join(projectFolder(t), name);
  writeFileSync(file, here(code));
  return file;
}

/** Saved and opened in Chromium, which is given pusher-js without a network. */
async function openFile(t: Test, html: string) {
  const browser = await openBrowser(t);
  const page = await browser.newPage();
  await page.route('https://cdn.jsdelivr.net/npm/pusher-js@*/**', (route) =>
    route.fulfill({ path: join(ROOT, 'node_modules/pusher-js/dist/web/pusher.min.js') }),
  );
  await page.goto(pathToFileURL(moduleOf(t, 'page.html', html)).href);
  return { page, shows: (text: string) => page.getByText(text).first().waitFor({ timeout: 10_000 }) };
}

t.test('fanfare page > page.html', async (t) => {
  const { shows } = await openFile(t, (await run(['page'])).stdout);
  await shows('joined private-domain.7');
  await run(['trigger', 'private-domain.7', 'message.sent', '{"text":"hello"}', '--url', target.origin]);
  await shows('message.sent {"text":"hello"}');
});

t.test("the quick start's page and the README's backend: events, presence, sign-in, and nothing missed", async (t) => {
  const token = (await run(['token', '--user', '42', '--domains', '7', '--chats', '5', '--name', 'Ada'])).stdout;
  const html = snippetWith('docs/quick-start.md', 'html', '<script').replace('<the token>', token);
  const { page, shows } = await openFile(t, html);
  await shows('"here" 1');

  const program = moduleOf(t, 'backend.mjs', snippetWith('README.md', 'js', "from 'pusher'"));
  const backend = startNode(t, [program], ROOT, {});
  t.equal(await backend.exited(), 0, backend.stderr());
  await shows('{"text":"hello from a backend"}');
  await shows('{"text":"for you"}');

  const url = ['--url', target.origin];
  const grace = start(t, ['listen', 'presence-chat.5', '--user', '43', '--chats', '5', '--name', 'Grace', ...url]);
  await shows('"came" {"name":"Grace"}');
  grace.child.kill('SIGINT');
  await shows('"left" "43"');

  await page.evaluate('pusher.disconnect()');
  for (const text of ['one', 'two']) {
    await run(['trigger', 'private-domain.7', 'message.sent', JSON.stringify({ text }), ...url]);
  }
  await page.evaluate('pusher.connect()');
  await shows('"resumed" {"recovered":true');
  await shows('{"text":"one"}');
  await shows('{"text":"two"}');
});

t.test("the quick start's frontend gets an event", async (t) => {
  const token = (await run(['token', '--user', '42', '--domains', '7'])).stdout;
  const code = snippetWith('docs/quick-start.md', 'ts', 'new Pusher');
  // In Node the class is the module itself, without the types' `default`.
  const file = moduleOf(t, 'frontend.ts', `const token = '${token}';\n${code}`);
  const frontend = startNode(t, [RUN_TYPESCRIPT, file], ROOT, {});
  // Until it has joined, nothing arrives.
  const arrives = async () => {
    await run(['trigger', 'private-user.42', 'message.sent', '{"text":"hello"}', '--url', target.origin]);
    return frontend.stdout().includes('hello');
  };
  await until(arrives, () => `hello in ${frontend.stdout()}${frontend.stderr()}`, 30_000);
  t.match(frontend.stdout(), /^hello\n/);
});

t.test('the rules of the pages', async (t) => {
  const load = async (source: string) => {
    const file = moduleOf(t, 'channels.mjs', source);
    return await loadRules(file);
  };
  const rule = snippetWith('docs/quick-start.md', 'js', 'domain.{domainId}');
  const book = await load(`export default { channels: { ${rule} } };`);
  const allows = (claims: object, channel = 'private-domain.7') => {
    const found = book.find(channel);
    const answer = found?.rule({ id: '42', claims, expiresAt: undefined } as never, found.params, {} as never);
    return answer;
  };
  t.equal(allows({ domains: ['7'] }), true);
  t.equal(allows({ domains: [7, 9] }), true, 'numbers');
  t.equal(allows({ domains: [8] }), false);
  t.equal(allows({}), false, 'without the claim');
  t.equal(allows({ domains: null }), false);
  t.equal(allows({}, 'private-domain.undefined'), false);
  t.equal(allows({ domains: '7' }), false, 'a text is not a list');

  const whole = await load(snippetWith('docs/authorization.md', 'js', 'export default'));
  t.match(whole.find('presence-chat.5')?.pattern, 'chat.{chatId}');
  t.type(whole.user, 'function');
  const asking = await load(`export default { channels: { ${snippetWith('docs/authorization.md', 'js', 'ask')} } };`);
  const order = asking.find('private-order.7');
  const ask = async () => ({ customerId: '42' });
  t.equal(await order?.rule({ id: '42' } as never, order.params, { ask } as never), true);
  t.equal(await order?.rule({ id: '43' } as never, order.params, { ask } as never), false);
});
