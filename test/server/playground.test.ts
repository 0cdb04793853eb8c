import t, { type Test } from 'tap';
import { launchChromium } from '../support/chromium.ts';
import { SignedApi, send } from '../support/signed-api.ts';
import { APP, AUTH, startFanfare } from '../support/target.ts';

const settings = { apps: [{ ...APP, clientEvents: true }], auth: AUTH, admin: { enabled: false } };
const HTML = { Accept: 'text/html' };

async function openPlayground(t: Test) {
  const target = await startFanfare(t, settings, { playground: true });
  const browser = await launchChromium(t);
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  const elsewhere: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(target.origin)) elsewhere.push(request.url());
  });
  await page.goto(target.origin);
  return { target, page, errors, elsewhere };
}

t.test('two people join, see one another, talk, and one misses nothing while offline', async (t) => {
  const { target, page, errors, elsewhere } = await openPlayground(t);
  const [ada, grace] = [page.getByRole('region', { name: 'Ada' }), page.getByRole('region', { name: 'Grace' })];
  for (const person of [ada, grace]) {
    await person.getByRole('button', { name: 'Join' }).click();
    await person.getByText('connected', { exact: true }).waitFor();
    await person.getByText('joined').waitFor();
  }
  await ada.getByText('Ada, Grace').waitFor();

  await ada.getByLabel('Say to the others').fill('good morning');
  await ada.getByRole('button', { name: 'Say' }).click();
  await grace.getByText('{"text":"good morning"}').waitFor();

  await grace.getByRole('button', { name: 'Go offline' }).click();
  await grace.getByText('disconnected', { exact: true }).waitFor();
  const backend = page.getByRole('form', { name: 'Backend' });
  for (const text of ['one', 'two']) {
    await backend.getByLabel('Data').fill(`{"text":"${text}"}`);
    await backend.getByRole('button', { name: 'Send' }).click();
    await ada.getByText(`{"text":"${text}"}`).waitFor();
  }
  t.equal(await grace.getByText('{"text":"two"}').count(), 0, 'who is offline hears nothing');
  await grace.getByRole('button', { name: 'Come back' }).click();
  await grace.getByText('{"text":"two"}').waitFor();
  t.equal(await grace.getByText('{"text":"one"}').count(), 1, 'and has all of it once, afterwards');
  await grace.getByText('resumed').waitFor();

  await ada.getByLabel('Channel').fill('private-domain.8');
  await ada.getByRole('button', { name: 'Join' }).click();
  await ada.getByText('not allowed').waitFor();
  await new SignedApi(target).trigger('presence-chat.5', 'from.elsewhere', '{}');
  await grace.getByText('from.elsewhere').waitFor();

  for (const [scheme, width] of [
    ['light', 1280],
    ['dark', 390],
  ] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    t.ok(Number(overflow) <= 0, `${width} wide: nothing sticks out`);
    const folder = process.env.FANFARE_SCREENSHOTS;
    if (folder !== undefined)
      await page.screenshot({ path: `${folder}/playground-${scheme}-${width}.png`, fullPage: true });
  }
  t.strictSame(
    errors.filter((error) => !error.includes('403')),
    [],
    'no error, and nothing that the content security policy forbids',
  );
  t.strictSame(elsewhere, [], 'and nothing is asked of another host');
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
    t.equal((await send(origin, 'GET', '/', { ...HTML, ...headers })).text, 'OK');
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
