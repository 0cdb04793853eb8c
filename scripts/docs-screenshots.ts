/**
 * `npm run docs:screenshots`: runs the playground and the four examples and writes docs/images/, what README.md shows
 * of them. With a folder as its argument it writes each there in two widths, light and dark, to be looked at. CHROMIUM
 * names the browser.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Browser, chromium, type Frame, type Locator, type Page } from 'playwright-core';
import { RUN_TYPESCRIPT } from '../test/support/typescript.ts';

const ROOT = new URL('../', import.meta.url).pathname;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];
const IMAGES = join(ROOT, 'docs/images');
const WIDTHS = { wide: { width: 1080, height: 660 }, phone: { width: 390, height: 780 } };

type Play = (one: Frame | Page, two: Frame | Page) => Promise<void>;

const say = async (page: Frame | Page, field: string, text: string, button = '#form button') => {
  await page.fill(field, text);
  await page.click(button);
};
const seen = (page: Frame | Page, text: string) => page.getByText(text).last().waitFor({ timeout: 15_000 });

/** What two users do before the picture is taken, and how it is shown in the README. */
const EXAMPLES: Readonly<Record<string, { readonly play: Play; readonly colorScheme: 'light' | 'dark' }>> = {
  'team-chat': {
    colorScheme: 'light',
    play: async (ada, grace) => {
      await seen(ada, 'Grace');
      await say(ada, '#text', 'The new press arrives on Thursday at nine.');
      await seen(grace, 'on Thursday at nine');
      await say(grace, '#text', 'I will be there. Who has the keys to the side gate?');
      await seen(ada, 'keys to the side gate');
      await grace.click('#cut');
      await say(ada, '#text', 'Linus has them.');
      await say(ada, '#text', 'He is in from eight, so just ring.');
      await seen(ada, 'just ring');
      await grace.click('#cut');
      await seen(grace, 'nothing is lost');
      await seen(ada, 'just ring');
      await grace.locator('#text').pressSequentially('Perfect');
      await seen(ada, 'is typing');
    },
  },
  'ai-assistant': {
    colorScheme: 'dark',
    play: async (one, two) => {
      await one.locator('body[data-ready]').waitFor();
      await two.locator('body[data-ready]').waitFor();
      await say(one, '#question', 'How do I keep what I was told when the train enters a tunnel?');
      await seen(one, 'noon');
      await say(two, '#question', 'And if I am away for an hour?');
      await seen(two, 'depends on');
    },
  },
  'creator-platform': {
    colorScheme: 'light',
    play: async (ada, grace) => {
      await ada.locator('[data-post="100"]').click();
      await grace.locator('[data-post="100"]').click();
      await ada.getByText('Unlock for').click();
      await seen(ada, 'Unlocked');
      await say(grace, '#title', 'Oil or wax? A year of weather', '#publish button');
      await seen(ada, 'Oil or wax');
      await grace.click('#notify');
      await seen(ada, 'says hello');
    },
  },
  'laravel-next-chat': {
    colorScheme: 'dark',
    play: async (ada, grace) => {
      await seen(ada, 'joined domain 7');
      await seen(grace, 'joined domain 7');
      await say(ada, '#text', 'The release is tagged; the notes are in the wiki.');
      await seen(grace, 'in the wiki');
      await grace.getByText('away', { exact: true }).click();
      await seen(ada, 'Grace is away');
      await say(grace, '#text', 'Back in ten minutes, then I will read them.');
      await seen(ada, 'Back in ten minutes');
    },
  },
};

/** Runs a program until it has printed where it can be looked at, and stops it after the work there. */
async function run(args: readonly string[], place: RegExp, work: (url: string) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, [RUN_TYPESCRIPT, ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const [, url] = place.exec(line) ?? [];
      if (url === undefined) continue;
      await work(url);
      break;
    }
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}

async function played(browser: Browser, url: string, play: Play): Promise<Page> {
  const tab = await browser.newPage({ viewport: WIDTHS.wide });
  await tab.goto(url);
  const [, one, two] = tab.frames();
  if (one === undefined || two === undefined) throw new Error('/both does not show two pages');
  for (const page of [one, two]) await page.locator('#state[data-up]').waitFor({ timeout: 20_000 });
  await play(one, two);
  return tab;
}

async function playground(browser: Browser, url: string): Promise<Page> {
  const tab = await browser.newPage({ viewport: { width: 1080, height: 760 } });
  await tab.goto(url);
  const [ada, grace] = ['Ada', 'Grace'].map((name) => tab.getByRole('region', { name })) as [Locator, Locator];
  const came = (person: Locator, text: string) =>
    person.getByRole('listitem').filter({ hasText: text }).first().waitFor();
  for (const person of [ada, grace]) await came(person, 'joined presence-chat.5');
  const send = () => tab.getByRole('button', { name: 'Send' }).click();
  await send();
  await came(grace, 'hello');
  await grace.getByRole('button', { name: 'Go offline' }).click();
  for (const text of ['The press is set up.', 'We begin at nine.']) {
    await tab.getByLabel('Data').fill(JSON.stringify({ text }));
    await send();
    await came(ada, text);
  }
  await grace.getByRole('button', { name: 'Come back' }).click();
  await came(grace, 'begin at nine');
  await came(grace, 'Ada');
  return tab;
}

async function picture(tab: Page, name: string, colorScheme: 'light' | 'dark'): Promise<void> {
  if (folder === undefined) {
    await tab.emulateMedia({ colorScheme });
    await tab.screenshot({ path: join(IMAGES, `${name}.png`) });
  } else {
    for (const [width, size] of Object.entries(WIDTHS)) {
      await tab.setViewportSize(size);
      for (const scheme of ['light', 'dark'] as const) {
        await tab.emulateMedia({ colorScheme: scheme });
        await tab.screenshot({ path: join(folder, `${name}-${width}-${scheme}.png`) });
      }
    }
  }
  await tab.close();
}

const folder = process.argv[2];
mkdirSync(folder ?? IMAGES, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: FLAGS,
  headless: true,
});
try {
  await run(['src/cli.ts', 'serve'], /^Open (http:\S+) in a browser/, async (url) => {
    await picture(await playground(browser, url), 'playground', 'light');
  });
  for (const [name, { play, colorScheme }] of Object.entries(EXAMPLES)) {
    await run(['examples/start.ts', name], /open (http:\S+\/both)/, async (url) => {
      await picture(await played(browser, url, play), name, colorScheme);
    });
  }
} finally {
  await browser.close();
}
