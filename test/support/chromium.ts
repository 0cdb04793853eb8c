import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import type { Test } from 'tap';
import { LIMIT_MS, within } from './wait.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function executable(): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      const path = join(folder, name);
      if (existsSync(path)) return path;
    }
  }
  throw new Error('These tests need Chromium and found none on the PATH: apt-get install chromium');
}

/** Headless Chromium; it closes with the test. */
export async function launchChromium(t: Test): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: executable(), args: FLAGS, headless: true });
  t.teardown(() => browser.close());
  return browser;
}

const require = createRequire(import.meta.url);
const web = dirname(require.resolve('pusher-js/dist/web/pusher.js'));
const SCRIPTS: Record<string, string> = {
  '/pusher.js': join(web, 'pusher.js'),
  '/pusher-with-encryption.js': join(web, 'pusher-with-encryption.js'),
  '/echo.js': join(dirname(require.resolve('laravel-echo')), 'echo.iife.js'),
};

/** A page of a browser with the stock clients on it: `Pusher` and `Echo`. */
export interface ClientPage {
  /** Where the page was served from. */
  readonly origin: string;
  /** Runs JavaScript in the page; its value must be plain. */
  run(script: string): Promise<unknown>;
  /** What the page has said by `report(name, data)` and nobody has taken: the first with that name. */
  reported(name: string, limitMs?: number): Promise<unknown>;
  /** Makes a function of this process callable in the page; it answers with a promise. */
  expose(name: string, callback: (...args: never[]) => unknown): Promise<void>;
  /** The browser says so and opens no connection; WebSockets that are open stay so. */
  setOffline(isOffline: boolean): Promise<void>;
}

/** Opens headless Chromium on a page that a server of this test's own serves; both end with the test. */
export async function openClientPage(t: Test, pusherScript = 'pusher.js'): Promise<ClientPage> {
  const page = `<!doctype html><meta charset="utf-8"><title>clients</title>
<script src="/${pusherScript}"></script><script src="/echo.js"></script>`;
  const server = createServer((request, response) => {
    const script = SCRIPTS[request.url ?? ''];
    response.setHeader('Content-Type', script === undefined ? 'text/html' : 'text/javascript');
    response.end(script === undefined ? page : readFileSync(script));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const browser = await launchChromium(t);
  const tab = await browser.newPage({ ignoreHTTPSErrors: true });
  const unread: { name: string; data: unknown }[] = [];
  const waiting = new Set<() => void>();
  await tab.exposeFunction('report', (name: string, data: unknown) => {
    unread.push({ name, data });
    for (const wake of waiting) wake();
  });
  await tab.goto(origin);

  const take = (name: string): { data: unknown } | undefined => {
    const index = unread.findIndex((entry) => entry.name === name);
    return index < 0 ? undefined : unread.splice(index, 1)[0];
  };
  return {
    origin,
    setOffline: (isOffline) => tab.context().setOffline(isOffline),
    run: async (script) => await tab.evaluate(script),
    expose: async (name, callback) => {
      await tab.exposeFunction(name, callback);
    },
    reported: async (name, limitMs = LIMIT_MS) => {
      let wake = (): void => undefined;
      const arrival = new Promise<unknown>((resolve) => {
        wake = () => {
          const entry = take(name);
          if (entry === undefined) return;
          waiting.delete(wake);
          resolve(entry.data);
        };
        waiting.add(wake);
        wake();
      });
      try {
        return await within(arrival, () => `the page's report of ${name}; it said ${JSON.stringify(unread)}`, limitMs);
      } finally {
        waiting.delete(wake);
      }
    },
  };
}
