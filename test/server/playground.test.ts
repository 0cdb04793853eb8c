import type { Locator, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { launchChromium } from '../support/chromium.ts';
import { run, start } from '../support/cli.ts';
import { SignedApi, send } from '../support/signed-api.ts';
import { AUTH, JWT_SECRET, startFanfare } from '../support/target.ts';

const settings = { auth: AUTH, admin: { enabled: false } };
const HTML = { Accept: 'text/html' };

const browser = await launchChromium(t);

async function openPlayground(t: Test, changed: Partial<ConfigInput> = {}) {
  const target = await startFanfare(t, { ...settings, ...changed }, { playground: true, explainRefusals: true });
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  t.teardown(() => page.close());
  page.setDefaultTimeout(15_000);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  const elsewhere: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(target.origin)) elsewhere.push(request.url());
  });
  await page.goto(`${target.origin}${changed.pathPrefix ?? ''}/`);
  return { target, page, errors, elsewhere };
}

/** Both people, on their channels. */
async function people(page: Page) {
  const found = ['Ada', 'Grace'].map((name) => page.getByRole('region', { name }));
  const [ada, grace] = found as [Locator, Locator];
  for (const person of [ada, grace]) await person.getByText('signed in', { exact: true }).waitFor();
  for (const person of [ada, grace]) await row(person, 'presence-chat.5').getByText('Grace').waitFor();
  return { ada, grace, backend: page.getByRole('form', { name: 'Backend' }) };
}

const row = (person: Locator, channel: string) =>
  person.getByRole('list', { name: 'Channels' }).getByRole('listitem').filter({ hasText: channel });

const lines = (person: Locator, text: string) =>
  person.getByRole('list', { name: 'What came' }).getByRole('listitem').filter({ hasText: text });

t.test('as it opens, two people have joined, and are shown what the command sends', async (t) => {
  const { target, page, errors, elsewhere } = await openPlayground(t);
  const { ada, grace, backend } = await people(page);
  await lines(ada, 'came presence-chat.5 Grace').or(lines(grace, 'came presence-chat.5 Ada')).waitFor();
  const url = ['--url', target.origin];
  t.match(await run(['trigger', 'private-domain.7', 'message.sent', '{"text":"hello"}', ...url]), { code: 0 });
  for (const person of [ada, grace]) await lines(person, 'message.sent private-domain.7 {"text":"hello"}').waitFor();

  await new SignedApi(target).trigger('#server-to-user-42', 'notification', '{"text":"for Ada"}');
  await lines(ada, 'notification user 42 {"text":"for Ada"}').waitFor();
  await backend.getByLabel('Send to a').selectOption('user');
  await backend.getByRole('textbox', { name: 'User' }).fill('43');
  await backend.getByRole('button', { name: 'Send' }).click();
  await lines(grace, 'notification user 43 {"text":"for you"}').waitFor();
  t.equal(await lines(ada, 'for you').count(), 0, 'which is for her alone');

  const flags = ['--user', '44', '--chats', '5', '--name', 'Linus', ...url];
  const linus = start(t, ['listen', 'presence-chat.5', ...flags], { JWT_SECRET });
  await lines(ada, 'came presence-chat.5 Linus').waitFor();
  await row(ada, 'presence-chat.5').getByText('Linus').waitFor();
  linus.child.kill('SIGINT');
  await lines(ada, 'left presence-chat.5 Linus').waitFor();
  t.strictSame(errors, [], 'no error, and nothing that the content security policy forbids');
  t.strictSame(elsewhere, [], 'and nothing is asked of another host');
});

t.test('who goes offline is given what came meanwhile, once', async (t) => {
  const { page } = await openPlayground(t);
  const { ada, grace, backend } = await people(page);
  await ada.getByLabel('Say to the others').fill('good morning');
  await ada.getByRole('button', { name: 'Say' }).click();
  await lines(grace, 'client-message presence-chat.5 {"text":"good morning"}').waitFor();

  await grace.getByRole('button', { name: 'Go offline' }).click();
  await grace.getByText('offline', { exact: true }).waitFor();
  for (const text of ['one', 'two']) {
    await backend.getByLabel('Data').fill(`{"text":"${text}"}`);
    await backend.getByRole('button', { name: 'Send' }).click();
    await lines(ada, `{"text":"${text}"}`).waitFor();
  }
  t.equal(await lines(grace, '{"text":"two"}').count(), 0, 'who is offline hears nothing');
  await grace.getByRole('button', { name: 'Come back' }).click();
  await lines(grace, '{"text":"two"}').waitFor();
  t.equal(await lines(grace, '{"text":"one"}').count(), 1);
  await lines(grace, 'resumed private-domain.7 {"recovered":true').waitFor();
});

t.test('anybody can be signed in, a refusal says why, and a reload keeps both: under a path prefix too', async (t) => {
  const { page, errors } = await openPlayground(t, { pathPrefix: '/realtime' });
  const { ada, grace } = await people(page);
  const join = async (channel: string) => {
    await ada.getByLabel('Channel', { exact: true }).fill(channel);
    await ada.getByRole('button', { name: 'Join' }).click();
  };
  await join('private-user.7');
  await lines(ada, 'not allowed private-user.7 The rule').waitFor();
  t.equal(await row(ada, 'private-user.7').count(), 0);

  await ada.getByText('signed in', { exact: true }).click();
  await ada.getByLabel('User', { exact: true }).fill('7');
  await ada.getByLabel('What else the token says').fill('{"name":"Linus",');
  await ada.getByText('The claims are an object').waitFor();
  t.ok(await ada.getByRole('button', { name: 'Sign in' }).isDisabled());
  await ada.getByLabel('What else the token says').fill('{"name":"Linus","chats":["5"]}');
  await ada.getByRole('button', { name: 'Sign in' }).click();
  await row(grace, 'presence-chat.5').getByText('Linus').waitFor();
  await lines(ada, 'not allowed private-domain.7').waitFor();
  await join('private-user.7');
  await lines(ada, 'joined private-user.7').waitFor();
  await ada.getByRole('button', { name: 'Leave presence-chat.5' }).click();
  await lines(grace, 'left presence-chat.5 Linus').waitFor();

  await page.reload();
  await lines(ada, 'joined private-user.7').waitFor();
  t.equal(await ada.getByRole('list', { name: 'Channels' }).getByRole('listitem').count(), 1);
  t.match(await ada.getByText('user 7').count(), 1);
  t.strictSame(
    errors.filter((error) => !error.includes('403')),
    [],
  );
});

t.test('without a secret to sign tokens by, people meet on a public channel', async (t) => {
  const { page, target } = await openPlayground(t, { auth: { enabled: false } });
  const ada = page.getByRole('region', { name: 'Ada' });
  await lines(ada, 'joined news').waitFor();
  await new SignedApi(target).trigger('news', 'rain', '{}');
  await lines(ada, 'rain news {}').waitFor();
  t.equal(await ada.getByLabel('User').count(), 0);
});

t.test('it fits wide windows and phones, by day and by night', async (t) => {
  const { page } = await openPlayground(t);
  const { ada, grace, backend } = await people(page);
  await grace.getByRole('button', { name: 'Go offline' }).click();
  await backend.getByRole('button', { name: 'Send' }).click();
  await lines(ada, '{"text":"hello"}').waitFor();
  const folder = process.env.FANFARE_SCREENSHOTS;
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 860 });
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    t.ok(Number(overflow) <= 0, `${width} wide: nothing sticks out`);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      if (folder === undefined) continue;
      await page.screenshot({ path: `${folder}/playground-${colorScheme}-${width}.png`, fullPage: true });
    }
  }
});

t.test('it is for this machine alone, and for no page of another site', async (t) => {
  const { origin } = await startFanfare(t, settings, { playground: true });
  const status = async (path: string, headers: Record<string, string>, body = '') =>
    (await send(origin, body === '' ? 'GET' : 'POST', path, headers, body)).status;
  t.match((await send(origin, 'GET', '/', HTML)).text, /<title>Fanfare playground/);
  t.equal((await send(origin, 'GET', '/')).text, 'OK', 'who wants no page is told that it lives');
  const token = '{"user":"1"}';
  t.equal(await status('/playground/token', {}, token), 200);
  for (const headers of [
    { 'X-Forwarded-For': '192.0.2.1' },
    { Host: 'fanfare.example.com' },
    { Origin: 'https://evil.example' },
    { 'Sec-Fetch-Site': 'cross-site' },
  ]) {
    t.equal(await status('/playground/token', headers, token), 403, Object.keys(headers).join());
    t.match((await send(origin, 'GET', '/', { ...HTML, ...headers })).text, /^OK\n.*fanfare page/s);
    t.equal((await send(origin, 'GET', '/', headers)).text, 'OK');
  }
  t.equal(await status('/playground/trigger', {}, '{"channel":"a b","event":"e","data":"{}"}'), 400);
  t.equal(await status('/playground/token', {}), 405);
  t.equal(await status('/playground/../server.js', {}), 404);
  t.equal(await status('/playground/constructor', {}), 404);
});

t.test('unless it is asked for, as the command does in development, it is not there', async (t) => {
  const { origin } = await startFanfare(t, settings);
  t.equal((await send(origin, 'GET', '/', HTML)).text, 'OK');
  t.equal((await send(origin, 'POST', '/playground/token', {}, '{"user":"1"}')).status, 404);
});
