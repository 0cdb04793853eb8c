import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { signDevelopmentToken } from '../../src/auth/index.ts';
import { launchChromium } from '../support/chromium.ts';
import { on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { AUTH, JWT_SECRET, type StartedFanfare, startFanfare } from '../support/target.ts';

const TOKEN = 'the-admin-token-of-the-console-test';

/** A Fanfare with a console behind a token, and a page of headless Chromium that has logged in. */
async function openConsole(t: Test): Promise<{ target: StartedFanfare; page: Page; errors: string[] }> {
  const target = await startFanfare(t, { admin: { port: 0, host: '127.0.0.1', token: TOKEN }, auth: AUTH });
  const browser = await launchChromium(t);
  const page = await browser.newPage();
  page.setDefaultTimeout(15_000);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  // A request to another origin, or a script that the policy refuses, would be told here.
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('401')) errors.push(message.text());
  });
  await page.goto(target.adminOrigin);
  await page.getByLabel('Admin token').fill('not the token that it wants');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('This is not the admin token: the server has it as admin.token').waitFor();
  await page.getByLabel('Admin token').fill(TOKEN);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('Last 15 minutes').waitFor();
  return { target, page, errors };
}

t.test('an operator logs in, watches, sends, asks why, and disconnects', async (t) => {
  const { target, page, errors } = await openConsole(t);
  const client = await RawClient.connect(t, target);
  const member = JSON.stringify({ user_id: 'ada', user_info: { name: 'Ada' } });
  await client.subscribe('presence-lobby', member);
  await client.subscribe('news');
  const [cookie] = await page.context().cookies();
  t.match(cookie, { name: 'fanfare_admin', httpOnly: true, sameSite: 'Strict' });
  t.notMatch(cookie?.value, TOKEN);

  await page.keyboard.press('3');
  await page.getByText('live', { exact: true }).waitFor();
  await new SignedApi(target).post('/events', { name: 'article.out', channel: 'news', data: '{"title":"Hello"}' });
  const line = page.locator('.tail li', { hasText: 'article.out' });
  await line.waitFor();
  t.match(await line.textContent(), /backend.*article\.out.*news.*Hello.*→ 1/);

  await page.getByLabel('Channel', { exact: true }).fill('news');
  await page.getByLabel('Event', { exact: true }).fill('from.console');
  await page.getByLabel('Data').fill('{"by":"an operator"}');
  await page.getByRole('button', { name: 'Send' }).click();
  t.equal((await client.next(on('news', 'from.console'))).data, '{"by":"an operator"}');
  await page.locator('.tail li', { hasText: 'from.console' }).waitFor();

  await page.getByRole('link', { name: 'Channels' }).click();
  await page.getByLabel('Search channels').fill('lobby');
  await page.getByRole('button', { name: 'presence-lobby' }).click();
  await page.locator('.chip', { hasText: 'ada' }).waitFor();
  await page.keyboard.press('Escape');

  await page.getByRole('link', { name: 'Explain' }).click();
  await page.getByLabel('Channel').fill('private-domain.9');
  const token = await signDevelopmentToken({ secret: JWT_SECRET, user: '42', userIdClaim: 'sub', domains: ['7'] });
  await page.getByLabel('Token of the user').fill(token);
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByText('refused', { exact: true }).waitFor();
  const answer = await page.locator('.panel', { hasText: 'Answer' }).last().textContent();
  t.match(answer, /the rule 'domain\.\{domainId\}' said no to user 42; of the token's claims it looked at domains/);
  t.match(answer, /rule_denied/);

  await page.getByRole('link', { name: 'Connections' }).click();
  await page.getByRole('button', { name: client.socketId }).click();
  const story = page.getByRole('dialog');
  await story.getByText('presence-lobby', { exact: true }).waitFor();
  await story.getByRole('button', { name: 'Disconnect user ada' }).click();
  await story.getByRole('button', { name: 'Click again to disconnect' }).click();
  t.equal((await client.closed).code, 4009);
  await story.getByText('closed', { exact: true }).waitFor();
  await story.getByText('connection closed').waitFor();

  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByLabel('Admin token').waitFor();
  t.strictSame(errors, []);
});

t.test('desktops and phones, light and dark: nothing is wider than the screen', async (t) => {
  const { target, page } = await openConsole(t);
  const client = await RawClient.connect(t, target);
  await client.subscribe('presence-lobby', JSON.stringify({ user_id: 'ada', user_info: { name: 'Ada' } }));
  const folder = process.env.FANFARE_SCREENSHOTS;
  const backgrounds = new Set<unknown>();
  for (const [scheme, width] of [
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
    ['dark', 360],
  ] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 740 });
    backgrounds.add(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
    for (const view of ['overview', 'channels', 'events', 'connections', 'explain']) {
      await page.goto(`${new URL(page.url()).origin}/#${view}`);
      await page.locator(`nav a[href="#${view}"][aria-current]`).waitFor();
      if (view === 'events') await new SignedApi(target).trigger('presence-lobby', 'shown', '{"text":"hello"}');
      t.equal(await page.evaluate('document.documentElement.scrollWidth'), width, `${view}, ${scheme}`);
      const edge = await page.evaluate('document.querySelector("nav [aria-current]").getBoundingClientRect().right');
      t.ok(Number(edge) <= width + 1, `${view} is to be seen among the tabs`);
      if (folder === undefined) continue;
      await page.waitForTimeout(1000);
      await page.screenshot({ path: `${folder}/console-${view}-${scheme}-${width}.png` });
    }
  }
  t.equal(backgrounds.size, 2, 'light is not dark');
});

t.test('what the page may load, and what the API refuses', async (t) => {
  const target = await startFanfare(t, { admin: { port: 0, host: '127.0.0.1', token: TOKEN } });
  const page = await fetch(target.adminOrigin);
  t.match(page.headers.get('content-security-policy'), /^default-src 'none'; script-src 'self'; /);
  t.equal((await fetch(`${target.adminOrigin}/api/overview`)).status, 401);
  t.equal((await fetch(`${target.adminOrigin}/metrics`)).status, 401);
  t.equal((await fetch(`${target.adminOrigin}/..%2fpackage.json`)).status, 404);
  const headers = { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' };
  t.equal((await fetch(`${target.adminOrigin}/metrics`, { headers })).status, 200);
  const post = (path: string, body: object, more = {}) =>
    fetch(target.adminOrigin + path, {
      method: 'POST',
      headers: { ...headers, ...more },
      body: JSON.stringify(body),
    });
  t.equal(
    (await post('/api/events', { channel: 'c', name: 'e', data: '1' }, { Origin: 'https://evil.example' })).status,
    403,
  );
  t.match(await (await post('/api/events', { channel: 'not a name', name: 'e', data: '1' })).json(), { error: String });
  t.match(await (await post('/api/disconnect', {})).json(), { error: /Say whom/ });
  t.equal((await post('/api/explain', { channel: 'private-x', token: '' })).status, 404, 'nothing authorizes here');
});
