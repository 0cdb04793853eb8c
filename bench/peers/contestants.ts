import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RUN_TYPESCRIPT } from '../../test/support/typescript.ts';
import type { AppKeys } from '../support/load/trigger-request.ts';
import type { ContestantName } from '../support/scenarios.ts';
import type { ServerCommand } from '../support/server-process.ts';
import { installSoketi, writeSoketiConfig } from './soketi.ts';

export const APP: AppKeys = { id: 'app-id', key: 'app-key', secret: 'app-secret' };

export interface Contestant {
  readonly name: ContestantName;
  /** Whether its triggers carry a request signature. */
  readonly isSigned: boolean;
  /** The comparison goes on without it if it cannot be had, and says so. */
  readonly isOptional: boolean;
  /** Builds or installs what is missing; throws a sentence if that fails. */
  prepare(): void;
  /** The command that serves `APP` on this port of loopback. */
  command(port: number): ServerCommand;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const bare: Contestant = {
  name: 'bare',
  isSigned: false,
  isOptional: false,
  prepare: () => undefined,
  command: (port) => ({
    command: [
      process.execPath,
      RUN_TYPESCRIPT,
      fileURLToPath(new URL('bare-server.ts', import.meta.url)),
      String(port),
    ],
    cwd: ROOT,
    env: {},
  }),
};

const soketi: Contestant = {
  name: 'soketi',
  isSigned: true,
  isOptional: true,
  prepare: () => {
    installSoketi();
  },
  command: (port) => ({
    command: [process.execPath, installSoketi(), 'start', `--config=${writeSoketiConfig(port, APP)}`],
    cwd: ROOT,
    env: {},
  }),
};

/** @param cliFile another build's `cli.js`; undefined builds this checkout and takes its own */
export function fanfare(cliFile: string | undefined): Contestant {
  return {
    name: 'fanfare',
    isSigned: true,
    isOptional: false,
    prepare: () => {
      if (cliFile !== undefined) return;
      const build = spawnSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, encoding: 'utf8' });
      if (build.status === 0) return;
      throw new Error(`npm run build failed: ${(build.stdout + build.stderr).trim().slice(-1000)}`);
    },
    command: (port) => ({
      command: [process.execPath, cliFile ?? `${ROOT}dist/cli.js`, 'serve'],
      // Where config/ stands.
      cwd: cliFile === undefined ? ROOT : dirname(dirname(cliFile)),
      env: {
        PUSHER_APP_ID: APP.id,
        PUSHER_APP_KEY: APP.key,
        PUSHER_APP_SECRET: APP.secret,
        FANFARE_PORT: String(port),
        FANFARE_LOG_LEVEL: 'warn',
      },
    }),
  };
}

/** In the order of a round. */
export function contestants(cliFile: string | undefined): readonly Contestant[] {
  return [bare, soketi, fanfare(cliFile)];
}
