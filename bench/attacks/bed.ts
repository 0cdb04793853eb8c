import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/free-port.ts';
import { readCpuMicroseconds, readResidentBytes } from '../support/process-usage.ts';
import type { Attack } from './attacks.ts';
import type { LoopDelay } from './loop-delay.ts';

export const APP = { id: 'app-id', key: 'app-key', secret: 'app-secret' };
export const JWT_SECRET = 'a-secret-of-the-attacks-that-is-long-enough';

const RULES = 'export default { channels: {} };\n';
const PROBE = fileURLToPath(new URL('loop-probe.mjs', import.meta.url));
const SOON_MS = 6000;
const ANSWER_MS = 5000;
const KEPT_CHARACTERS = 2000;
const START_MS = 60_000;
const STOP_MS = 15_000;
const SAMPLE_MS = 100;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A server of some checkout, and what becomes of it. */
export class Bed {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #logFile: string | undefined;
  #ended: string | undefined;
  #peakBytes = 0;
  #sampler: NodeJS.Timeout | undefined;

  private constructor(port: number, child: ChildProcess, folder: string, logFile: string | undefined) {
    this.port = port;
    this.#child = child;
    this.#folder = folder;
    this.#logFile = logFile;
    child.once('exit', (code, signal) => {
      this.#ended = signal ?? `exit code ${code}`;
    });
  }

  /** Resolves once the server is ready. */
  static async start(checkout: string, attack: Attack, redisUrl: string | undefined): Promise<Bed> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'fanfare-attacks-'));
    const rulesFile = join(folder, 'rules.mjs');
    writeFileSync(rulesFile, attack.rules ?? RULES);
    const logFile = attack.isLogStuck === true ? undefined : join(folder, 'log');
    const log = logFile === undefined ? 'pipe' : openSync(logFile, 'w');
    // As the shipped deployments start it.
    const args = ['--v8-pool-size=1', `--import=${PROBE}`, join(checkout, 'dist/cli.js'), 'serve'];
    const limited = attack.maxFiles === undefined ? [] : ['-c', `ulimit -n ${attack.maxFiles}; exec "$0" "$@"`];
    const file = limited.length === 0 ? process.execPath : 'sh';
    const child = spawn(file, limited.length === 0 ? args : [...limited, process.execPath, ...args], {
      cwd: checkout,
      env: {
        ...{ PATH: process.env.PATH, HOME: process.env.HOME },
        ...{ FANFARE_HOST: '127.0.0.1', FANFARE_PORT: String(port), FANFARE_SHUTDOWN_GRACE_SECONDS: '1' },
        ...{ FANFARE_AUTH_RULES_FILE: rulesFile, JWT_SECRET, ...attack.env },
        ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
      },
      stdio: ['ignore', log, 'pipe', 'ipc'],
    });
    let lastWords = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-KEPT_CHARACTERS);
    });
    if (typeof log === 'number') closeSync(log);
    running.add(child);
    child.once('exit', () => running.delete(child));
    const bed = new Bed(port, child, folder, logFile);
    const deadline = performance.now() + START_MS;
    while (!(await bed.serves())) {
      if (bed.#ended !== undefined) throw new Error(`the server did not start: ${bed.#ended}: ${lastWords.trim()}`);
      if (performance.now() > deadline) throw new Error('the server was not ready in time');
      await delay(100);
    }
    return bed;
  }

  /** How the process has ended; undefined while it lives. */
  get ended(): string | undefined {
    return this.#ended;
  }

  get logBytes(): number {
    return this.#logFile === undefined ? 0 : statSync(this.#logFile).size;
  }

  get cpuMicroseconds(): number {
    return this.#ended === undefined ? readCpuMicroseconds(this.pid) : Number.NaN;
  }

  get residentBytes(): number {
    return this.#ended === undefined ? readResidentBytes(this.pid) : Number.NaN;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Of its event loop since this was last asked; undefined if it does not say. */
  async takeLoopDelay(): Promise<LoopDelay | undefined> {
    if (this.#ended !== undefined || !this.#child.connected) return undefined;
    this.#child.send('delay');
    const answered = once(this.#child, 'message').then(([answer]) => answer as LoopDelay);
    return await Promise.race([answered, delay(ANSWER_MS, undefined, { ref: false })]);
  }

  /** The most memory since this was last asked. */
  takePeakBytes(): number {
    this.#sampler ??= setInterval(() => {
      if (this.#ended === undefined) this.#peakBytes = Math.max(this.#peakBytes, this.residentBytes);
    }, SAMPLE_MS);
    const peak = this.#peakBytes;
    this.#peakBytes = 0;
    return peak;
  }

  async serves(): Promise<boolean> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.port}/ready`, { signal: AbortSignal.timeout(3000) });
      return answer.ok;
    } catch {
      // Whatever keeps it from answering, it does not serve.
      return false;
    }
  }

  /** Whether it serves within some seconds. */
  async servesSoon(): Promise<boolean> {
    const deadline = performance.now() + SOON_MS;
    while (performance.now() < deadline && this.#ended === undefined) {
      if (await this.serves()) return true;
      await delay(200);
    }
    return false;
  }

  /** What a SIGTERM leads to, and after how long. */
  async stop(): Promise<string> {
    clearInterval(this.#sampler);
    const begun = performance.now();
    if (this.#ended === undefined) this.#child.kill('SIGTERM');
    while (this.#ended === undefined && performance.now() - begun < STOP_MS) await delay(20);
    const seconds = (performance.now() - begun) / 1000;
    const how = this.#ended;
    this.#child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
    return how === undefined ? 'does not stop' : `${how} after ${seconds.toFixed(1)} s`;
  }
}
