import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';
import { within } from '../wait.ts';

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Of the exit after the test's SIGTERM; then it is killed. */
  readonly exitLimitMs?: number;
}

/** A program that the test started, and every line that it has written. It ends with the test. */
export class Child {
  readonly lines: string[] = [];
  readonly exited: Promise<number | null>;
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #waiting = new Set<(line: string) => void>();
  #ended = false;

  private constructor(name: string, process: ChildProcess) {
    this.#name = name;
    this.#process = process;
    this.exited = new Promise((resolve) => {
      process.once('exit', (code) => {
        this.#ended = true;
        resolve(code);
      });
    });
    for (const stream of [process.stdout, process.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#take(line));
    }
  }

  /** Throws a sentence if the program is not installed. */
  static async start(t: Test, command: string, args: readonly string[], options: ChildOptions = {}): Promise<Child> {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const failed = once(child, 'error').then(([error]) => {
      throw new Error(`${command} cannot be started; is it installed? ${String(error)}`);
    });
    failed.catch(() => undefined);
    await Promise.race([once(child, 'spawn'), failed]);
    const started = new Child(command, child);
    t.teardown(() => started.end(options.exitLimitMs));
    return started;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** The first line that matches, from the beginning on. */
  async line(matches: RegExp, limitMs = 15_000): Promise<string> {
    const past = this.lines.find((line) => matches.test(line));
    if (past !== undefined) return past;
    const next = new Promise<string>((resolve, reject) => {
      const look = (line: string) => {
        if (!matches.test(line)) return;
        this.#waiting.delete(look);
        resolve(line);
      };
      this.#waiting.add(look);
      void this.exited.then((code) => reject(new Error(`${this.#name} ended with ${code}: ${this.#lastLines()}`)));
    });
    return await within(next, () => `a line of ${this.#name} like ${matches}; it said ${this.#lastLines()}`, limitMs);
  }

  /** Asks it to end, and kills it if it does not. */
  async end(limitMs = 5000): Promise<void> {
    if (this.#ended) return;
    // A stopped process takes no other signal.
    this.#process.kill('SIGCONT');
    this.#process.kill('SIGTERM');
    try {
      await within(this.exited, `the end of ${this.#name}`, limitMs);
    } catch (error) {
      this.#process.kill('SIGKILL');
      throw error;
    }
  }

  #take(line: string): void {
    this.lines.push(line);
    for (const look of this.#waiting) look(line);
  }

  #lastLines(): string {
    return this.lines.slice(-15).join('\n') || 'nothing';
  }
}
