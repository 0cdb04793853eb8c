/**
 * Runs an example: `npm run example team-chat`. Starts Fanfare with the example's settings and rules on port 6001, and
 * the example's backend and page on port 3000; if a port is taken, on the next free one. FANFARE_PORT and EXAMPLE_PORT
 * choose others. With EXAMPLE_FANFARE_URL set it starts no Fanfare and uses the one there, which must have been given
 * the same settings.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ExampleSettings, settingsFrom } from './support/settings.ts';
import { type Example, serveExample } from './support/web-server.ts';

interface ExampleModule {
  createExample(settings: ExampleSettings): Example;
  /** What Fanfare is started with. */
  readonly fanfareEnvironment: Readonly<Record<string, string>>;
}

const FOLDER = new URL('./', import.meta.url);
const MOST_TRIED = 20;
const names = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(new URL(`${entry.name}/backend.ts`, FOLDER)))
  .map(({ name }) => name);

const name = process.argv[2] ?? '';
if (!names.includes(name)) {
  console.error(`Which example? npm run example ${names.join(' | ')}`);
  process.exit(2);
}
const { createExample, fanfareEnvironment }: ExampleModule = await import(new URL(`${name}/backend.ts`, FOLDER).href);

const host = process.env.EXAMPLE_HOST ?? '127.0.0.1';
const port = await portFor('EXAMPLE_PORT', 3000, host);
const startsFanfare = process.env.EXAMPLE_FANFARE_URL === undefined;
// What is started, and what the backend is told, have one environment.
const environment = startsFanfare
  ? { ...process.env, FANFARE_PORT: String(await portFor('FANFARE_PORT', 6001, '0.0.0.0')) }
  : process.env;
const backend = await serveExample(createExample(settingsFrom(environment)), port, host);

const fanfare = startsFanfare ? startFanfare() : undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    fanfare?.kill(signal);
    // An answer that is being written ends with it.
    if (fanfare === undefined) void backend.close().then(() => process.exit(0));
  });
}
await untilReady(`${environment.EXAMPLE_FANFARE_URL ?? `http://127.0.0.1:${environment.FANFARE_PORT}`}/ready`);
console.log(`\n${name}: open ${backend.origin}/both, with two users side by side; Ctrl-C ends it\n`);

function startFanfare(): ChildProcess {
  const child = spawn(process.execPath, ['scripts/start.mjs', '--log-level', 'warn'], {
    cwd: fileURLToPath(new URL('../', FOLDER)),
    env: { ...environment, EXAMPLE_BACKEND_URL: backend.origin, ...fanfareEnvironment },
    // What it prints of its own accord is for a first start without an example.
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  void once(child, 'exit').then(([code]) => {
    void backend.close().then(() => process.exit(Number(code ?? 0)));
  });
  return child;
}

/** The first start from a clone builds Fanfare, which takes some seconds. */
async function untilReady(url: string): Promise<void> {
  while (!(await fetch(url).catch(() => undefined))?.ok) await delay(100);
}

/** The port that the environment names, or the next free one from the usual one on. */
async function portFor(variable: string, usual: number, address: string): Promise<number> {
  const named = process.env[variable];
  if (named !== undefined && named !== '') return Number(named);
  for (let candidate = usual; candidate < usual + MOST_TRIED; candidate += 1) {
    if (await isFree(candidate, address)) return candidate;
    console.error(`Port ${candidate} is taken; trying the next one. ${variable} chooses another.`);
  }
  throw new Error(`No port from ${usual} on is free`);
}

function isFree(candidate: number, address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(candidate, address, () => probe.close(() => resolve(true)));
  });
}
