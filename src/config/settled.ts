import { isDeepStrictEqual } from 'node:util';
import { pathText, SETTINGS, SETTLED, type Setting } from './describe.ts';
import { deepFrozen } from './frozen.ts';
import type { Config } from './schema.ts';
import { setAt, valueAt } from './tree.ts';

/** What is in force once another configuration has been read: it, but for what waits for a restart. */
export function inForceAfter(started: Config, next: Config): Config {
  const config = structuredClone(next);
  for (const { path } of SETTLED) setAt(config, path, valueAt(started, path));
  return deepFrozen(config);
}

/** Settings whose new values wait for a restart. */
export function waitingForRestart(started: Config, next: Config): string[] {
  return changed(started, next, ({ restart }) => restart !== undefined);
}

/** Settings, those of apps left out, whose new values a reload takes over. */
export function takenOver(before: Config, next: Config): string[] {
  return changed(before, next, ({ path, restart }) => restart === undefined && path[0] !== 'apps');
}

function changed(before: Config, after: Config, which: (setting: Setting) => boolean): string[] {
  return SETTINGS.filter(which)
    .filter(({ path }) => !isDeepStrictEqual(valueAt(before, path), valueAt(after, path)))
    .map(({ path }) => pathText(path));
}
