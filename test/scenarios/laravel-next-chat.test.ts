import type { Page } from 'playwright-core';
import t from 'tap';
import * as chat from '../../examples/laravel-next-chat/backend.ts';
import { createEcho } from '../../examples/laravel-next-chat/next/echo.ts';
import { emitted } from '../support/pusher-client.ts';
import { openBrowser } from '../support/scenarios/browser.ts';
import { openDeployment } from '../support/scenarios/deployment.ts';
import { call, exampleSettings, openExample } from '../support/scenarios/example.ts';
import { within } from '../support/wait.ts';

const deployment = await openDeployment(t, { rulesFile: chat.fanfareEnvironment.FANFARE_AUTH_RULES_FILE });
const backend = await openExample(t, chat.createExample(exampleSettings(deployment)));

t.test('two tabs of a browser: a message reaches the other, and the sender not twice', async (t) => {
  const browser = await openBrowser(t);
  const open = async (user: number) => {
    const tab = await browser.newPage();
    await tab.goto(`${backend.origin}/?user=${user}`);
    await line(tab, 'joined domain 7');
    return tab;
  };
  const [ada, grace] = await Promise.all([open(1), open(2)]);

  await ada.fill('#text', 'Hello, żółw');
  await ada.click('#form button');
  await line(grace, 'Ada: Hello, żółw');
  await grace.fill('#text', 'Hello yourself');
  await grace.click('#form button');
  await line(ada, 'Grace: Hello yourself');

  await grace.click('text=away');
  await line(grace, 'you are away');
  await line(grace, 'Grace is away');
  await line(ada, 'Grace is away');
  await line(ada, 'admin: Grace is away');
  const shown = await ada.locator('li').allTextContents();
  t.strictSame(
    shown.filter((text) => text.includes('żółw')),
    ['Hello, żółw'],
    'X-Socket-ID kept the message from its sender',
  );
  t.notOk((await grace.locator('li').allTextContents()).some((text) => text.startsWith('admin')));
});

t.test('a user of another domain is refused, in the page and in the log', async (t) => {
  const browser = await openBrowser(t);
  const tab = await browser.newPage();
  await tab.goto(`${backend.origin}/?user=3`);
  await line(tab, 'domain 7 refused: 403');
  const [refusal] = deployment.log().filter(({ msg }) => msg === 'Authorization refused');
  t.match(refusal, { channel: 'private-domain.7', userId: '3', rule: 'domain.{domainId}', ip: '127.0.0.1' });
});

t.test('the Next.js module, configured by its own environment', async (t) => {
  const { hostname, port, protocol } = new URL(deployment.target.origin);
  Object.assign(process.env, {
    NEXT_PUBLIC_PUSHER_APP_KEY: deployment.target.key,
    NEXT_PUBLIC_PUSHER_HOST: hostname,
    NEXT_PUBLIC_PUSHER_PORT: port,
    NEXT_PUBLIC_PUSHER_SCHEME: protocol.slice(0, -1),
  });
  const { token } = (await call(`${backend.origin}/session?user=1`)) as { token: string };
  const echo = createEcho(token);
  t.teardown(() => echo.disconnect());
  const channel = echo.private('domain.9');
  const arrival = new Promise((resolve) => channel.listen('.message.sent', resolve));
  await emitted(channel.subscription, 'pusher:subscription_succeeded');
  await call(`${backend.origin}/domains/9/messages`, { author: 'Linus', text: 'hi' });
  t.match(await within(arrival, 'the message'), { author: 'Linus', text: 'hi' });
});

/** Waits until the page shows it. */
async function line(tab: Page, text: string): Promise<void> {
  await tab.locator('li', { hasText: text }).first().waitFor({ timeout: 10_000 });
}
