import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Command } from 'commander';
import { SHIPPED_RULES_FILE } from '../config/shipped-rules.ts';
import { type CliContext, CliFailure } from './context.ts';

/** Names only: what they stand for is in the environment, or in development in `.env`. */
const CONFIGURATION = `{
  "port": 6001,
  "apps": [
    {
      "id": "\${PUSHER_APP_ID}",
      "key": "\${PUSHER_APP_KEY}",
      "secret": "\${PUSHER_APP_SECRET}",
      "allowedOrigins": []
    }
  ],
  "auth": {
    "jwt": { "secret": "\${JWT_SECRET}" }
  }
}
`;

export function initCommand(command: Command, context: CliContext): void {
  command
    .description(
      'write rules, a configuration and credentials to start from into this folder; changes no file of yours',
    )
    .addHelpText('after', '\nExamples:\n  npx fanfare init && npx fanfare serve')
    .action(() => {
      try {
        for (const line of initialize(context.cwd)) context.print(line);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error)) throw error;
        throw new CliFailure(`Cannot write into ${context.cwd}: ${error.message}`, { cause: error });
      }
      context.print('\nNow: npx fanfare serve');
    });
}

/** Answers with a line for each file: what it is for, or why it was left alone. */
function initialize(folder: string): string[] {
  const rules = existsSync(join(folder, 'config/channels.mjs')) || !isModule(folder) ? 'mjs' : 'js';
  const existing = ['js', 'mjs']
    .map((ending) => `config/channels.${ending}`)
    .find((name) => existsSync(join(folder, name)));
  return [
    written(folder, existing ?? `config/channels.${rules}`, 'who may join which channel', () =>
      readFileSync(SHIPPED_RULES_FILE, 'utf8'),
    ),
    written(
      folder,
      'config/fanfare.json',
      'the configuration; docs/configuration.md has every key',
      () => CONFIGURATION,
    ),
    environmentFile(folder),
    ...ignoreFile(folder),
  ];
}

/** Whether `.js` means an ES module in this folder: the nearest package.json decides. (Node docs: packages, "type") */
function isModule(folder: string): boolean {
  const file = join(folder, 'package.json');
  if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { type?: unknown }).type === 'module';
  const parent = dirname(folder);
  return parent !== folder && isModule(parent);
}

function written(folder: string, name: string, purpose: string, text: () => string): string {
  const file = join(folder, name);
  if (existsSync(file)) return `left    ${name}: it is there already`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text(), { flag: 'wx' });
  return `written ${name}: ${purpose}`;
}

/** Credentials of this project's own. What `.env` holds already stays as it is. */
function environmentFile(folder: string): string {
  const file = join(folder, '.env');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const there = parseEnv(before);
  const missing = Object.entries(credentials()).filter(([name]) => !there[name]);
  if (missing.length === 0) return 'left    .env: it names all that is needed';
  const gap = before === '' ? '' : before.endsWith('\n') ? '\n' : '\n\n';
  const lines = missing.map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(file, `${before}${gap}# Fanfare. Your backend needs the same values.\n${lines.join('')}`, {
    mode: 0o600,
  });
  const names = missing.map(([name]) => name).join(', ');
  return `${before === '' ? 'written' : 'added to'} .env: ${names}; keep it out of version control`;
}

function credentials(): Readonly<Record<string, string>> {
  return {
    PUSHER_APP_ID: String(randomInt(100_000, 1_000_000)),
    PUSHER_APP_KEY: randomBytes(10).toString('hex'),
    PUSHER_APP_SECRET: randomBytes(20).toString('hex'),
    JWT_SECRET: randomBytes(32).toString('hex'),
  };
}

/** In a git repository the secrets are kept out of it. */
function ignoreFile(folder: string): string[] {
  if (!existsSync(join(folder, '.git'))) return [];
  const file = join(folder, '.gitignore');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (before.split('\n').some((line) => /^\/?\.env\*?$/.test(line.trim()))) return [];
  writeFileSync(file, `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}.env\n`);
  return ['added to .gitignore: .env'];
}
