import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { RUN_TYPESCRIPT } from '../typescript.ts';
import { within } from '../wait.ts';

/** A node in a process of its own, which can be killed and paused. */
export class NodeProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @param script beside this file; it sends a message once it is ready */
  static async start(script: string, ...args: (string | number)[]): Promise<NodeProcess> {
    const file = fileURLToPath(new URL(`./${script}`, import.meta.url));
    const child = fork(file, args.map(String), { execArgv: [RUN_TYPESCRIPT] });
    await within(once(child, 'message'), 'the node is ready', 30_000);
    return new NodeProcess(child);
  }

  async ask<Answer>(order: string): Promise<Answer> {
    this.#child.send(order);
    const [answer] = (await within(once(this.#child, 'message'), `the node answers to ${order}`, 15_000)) as [Answer];
    return answer;
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
