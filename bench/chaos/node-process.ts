import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('node.ts', import.meta.url));
const START_MS = 60_000;

/** A node that can be drained, killed and watched. */
export class NodeProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Resolves once the node is ready for traffic; rejects with its last words where that takes too long. */
  static async start(settings: unknown): Promise<NodeProcess> {
    const child = fork(SCRIPT, [JSON.stringify(settings)], { execArgv: ['--import=tsx'], silent: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text) => {
        output = (output + String(text)).slice(-2000);
      });
    }
    const deadline = AbortSignal.timeout(START_MS);
    try {
      const started = once(child, 'message', { signal: deadline });
      const ended = once(child, 'exit', { signal: deadline }).then(() => {
        throw new Error('it has ended');
      });
      ended.catch(() => undefined);
      const [port] = (await Promise.race([started, ended])) as [number];
      const node = new NodeProcess(child, port);
      while (!(await node.isReady())) {
        if (deadline.aborted) throw new Error('it is not ready');
        await delay(50);
      }
      return node;
    } catch (error) {
      child.kill('SIGKILL');
      throw new Error(`a node did not start: ${output.trim()}`, { cause: error });
    }
  }

  async isReady(): Promise<boolean> {
    try {
      return (await fetch(`http://127.0.0.1:${this.port}/ready`, { signal: AbortSignal.timeout(1000) })).ok;
    } catch {
      // Not listening is not ready.
      return false;
    }
  }

  /** Resolves once the process has ended. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }
}
