import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AppKeys } from '../support/load/trigger-request.ts';

const FOLDER = fileURLToPath(new URL('.soketi', import.meta.url));
const COMMAND = `${FOLDER}/node_modules/.bin/soketi`;
const INSTALL_MINUTES = 5;
const PACKAGE = {
  private: true,
  dependencies: { '@soketi/soketi': '1.6.1' },
  // soketi asks for a version of uWebSockets.js by its address on GitHub, one that knows no Node newer than 18.
  overrides: { 'uWebSockets.js': 'npm:@uwsjs/core@20.51.4' },
};

/**
 * Installs soketi into a folder of its own if it is missing. Returns its command; throws a sentence if npm fails.
 */
export function installSoketi(): string {
  if (existsSync(COMMAND)) return COMMAND;
  process.stderr.write(`Installing soketi into ${FOLDER} (once, about half a minute) ...\n`);
  mkdirSync(FOLDER, { recursive: true });
  writeJson(`${FOLDER}/package.json`, PACKAGE);
  const npm = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: FOLDER,
    encoding: 'utf8',
    timeout: INSTALL_MINUTES * 60_000,
  });
  if (npm.status !== 0 || !existsSync(COMMAND)) {
    throw new Error(`npm could not install it: ${npm.error?.message ?? npm.stderr.trim().slice(-500)}`);
  }
  return COMMAND;
}

/** Writes soketi's configuration, with every rate limit off and metrics off, and returns its path. */
export function writeSoketiConfig(port: number, app: AppKeys): string {
  const path = `${FOLDER}/config.json`;
  writeJson(path, {
    debug: false,
    host: '127.0.0.1',
    port,
    'metrics.enabled': false,
    'appManager.driver': 'array',
    'appManager.array.apps': [
      {
        ...app,
        enabled: true,
        enableClientMessages: true,
        maxConnections: -1,
        maxBackendEventsPerSecond: -1,
        maxClientEventsPerSecond: -1,
        maxReadRequestsPerSecond: -1,
      },
    ],
  });
  return path;
}

function writeJson(path: string, value: object): void {
  writeFileSync(path, `${JSON.stringify(value, undefined, 2)}\n`);
}
