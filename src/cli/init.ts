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

interface InitFile {
  readonly file: string;
  readonly action: 'written' | 'added to' | 'left';
  /** What for, or why not. */
  readonly says: string;
}

export function initCommand(command: Command, context: CliContext): void {
  command
    .description(
      'write rules, a configuration and credentials to start from into this folder; existing rules and settings stay',
    )
    .option('--json', 'print what was done with each file as JSON')
    .addHelpText('after', '\nExamples:\n  npx fanfare init && npx fanfare serve\n  npx fanfare init --json')
    .action((flags: { readonly json?: boolean }) => {
      let files: readonly InitFile[];
      try {
        files = initialize(context.cwd);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error)) throw error;
        throw new CliFailure(`Cannot write into ${context.cwd}: ${error.message}`, { cause: error });
      }
      if (flags.json === true) {
        context.print(JSON.stringify({ files }));
        return;
      }
      for (const { file, action, says } of files) context.print(`${action.padEnd(7)} ${file}: ${says}`);
      context.print('\nNow: npx fanfare serve');
    });
}

/** Answers with each file: what it is for, or why it was left alone. */
function initialize(folder: string): InitFile[] {
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

function written(folder: string, name: string, purpose: string, text: () => string): InitFile {
  const file = join(folder, name);
  if (existsSync(file)) return { file: name, action: 'left', says: 'it is there already' };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text(), { flag: 'wx' });
  return { file: name, action: 'written', says: purpose };
}

/** Credentials of this project's own. What `.env` holds already stays as it is. */
function environmentFile(folder: string): InitFile {
  const file = join(folder, '.env');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const there = parseEnv(before);
  const missing = Object.entries(credentials()).filter(([name]) => !there[name]);
  if (missing.length === 0) return { file: '.env', action: 'left', says: 'it names all that is needed' };
  const gap = before === '' ? '' : before.endsWith('\n') ? '\n' : '\n\n';
  const lines = missing.map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(file, `${before}${gap}# Fanfare. Your backend needs the same values.\n${lines.join('')}`, {
    mode: 0o600,
  });
  const names = missing.map(([name]) => name).join(', ');
  return {
    file: '.env',
    action: before === '' ? 'written' : 'added to',
    says: `${names}; keep it out of version control`,
  };
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
function ignoreFile(folder: string): InitFile[] {
  if (!existsSync(join(folder, '.git'))) return [];
  const file = join(folder, '.gitignore');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (before.split('\n').some((line) => /^\/?\.env\*?$/.test(line.trim()))) return [];
  writeFileSync(file, `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}.env\n`);
  return [{ file: '.gitignore', action: 'added to', says: '.env' }];
}
