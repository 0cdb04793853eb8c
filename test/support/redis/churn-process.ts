import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { within } from '../wait.ts';
import type { ChurnOrder, ChurnReport } from './churn-node.ts';

const SCRIPT = fileURLToPath(new URL('./churn-node.ts', import.meta.url));

/** A node in a process of its own, which can be killed and paused. */
export class ChurnProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(...args: (string | number)[]): Promise<ChurnProcess> {
    const child = fork(SCRIPT, args.map(String), { execArgv: ['--import=tsx'] });
    await within(once(child, 'message'), 'the node is ready', 20_000);
    return new ChurnProcess(child);
  }

  async ask(order: ChurnOrder): Promise<ChurnReport> {
    this.#child.send(order);
    const [report] = (await within(once(this.#child, 'message'), `the node answers to ${order}`, 15_000)) as [
      ChurnReport,
    ];
    return report;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
