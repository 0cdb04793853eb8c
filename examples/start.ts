/**
 * Runs an example: `node --import=tsx examples/start.ts team-chat`. Starts Fanfare with the example's settings and
 * rules on port 6001 (FANFARE_PORT), and the example's backend and page on port 3000 (EXAMPLE_PORT). With
 * EXAMPLE_FANFARE_URL set it starts no Fanfare and uses the one there, which must have been given the same settings.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ExampleSettings, settingsFrom } from './support/settings.ts';
import { type Example, serveExample } from './support/web-server.ts';

interface ExampleModule {
  createExample(settings: ExampleSettings): Example;
  /** What Fanfare is started with. */
  readonly fanfareEnvironment: Readonly<Record<string, string>>;
}

const FOLDER = new URL('./', import.meta.url);
const names = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(new URL(`${entry.name}/backend.ts`, FOLDER)))
  .map(({ name }) => name);

const name = process.argv[2] ?? '';
if (!names.includes(name)) {
  console.error(`Which example? node --import=tsx examples/start.ts ${names.join(' | ')}`);
  process.exit(2);
}
const { createExample, fanfareEnvironment }: ExampleModule = await import(new URL(`${name}/backend.ts`, FOLDER).href);

const port = Number(process.env.EXAMPLE_PORT ?? 3000);
const host = process.env.EXAMPLE_HOST ?? '127.0.0.1';
const backend = await serveExample(createExample(settingsFrom(process.env)), port, host);

const fanfare = process.env.EXAMPLE_FANFARE_URL === undefined ? startFanfare() : undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    fanfare?.kill(signal);
    void backend.close();
  });
}
console.log(`\n${name}: open ${backend.origin} in two tabs\n`);

function startFanfare(): ChildProcess {
  const child = spawn(process.execPath, ['scripts/start.mjs', '--log-level', 'warn'], {
    cwd: fileURLToPath(new URL('../', FOLDER)),
    env: { ...process.env, EXAMPLE_BACKEND_URL: backend.origin, ...fanfareEnvironment },
    // What it prints of its own accord is for a first start without an example.
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  void once(child, 'exit').then(([code]) => {
    process.exitCode = Number(code ?? 0);
    void backend.close();
  });
  return child;
}
