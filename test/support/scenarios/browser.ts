import type { BrowserContext } from 'playwright-core';
import type { Test } from 'tap';
import { launchChromium } from '../chromium.ts';

/** A browser without cookies or history that takes nginx's self-made certificate; it closes with the test. */
export async function openBrowser(t: Test): Promise<BrowserContext> {
  const browser = await launchChromium(t);
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  context.on('weberror', (error) => t.comment(`page: ${error.error()}`));
  context.on('console', (message) => {
    if (message.type() === 'error') t.comment(`page: ${message.text()}`);
  });
  return context;
}
