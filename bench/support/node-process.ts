import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ConfigInput } from '../../src/config/schema.ts';
import { freePort } from '../../test/support/free-port.ts';
import { RUN_TYPESCRIPT } from '../../test/support/typescript.ts';
import { type ServerCommand, ServerProcess } from './server-process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SCRIPT = fileURLToPath(new URL('node.ts', import.meta.url));
const READY_MS = 60_000;

/** The command that serves with these settings, straight from the sources. Without them, no port for operators. */
export function nodeCommand(settings: ConfigInput): ServerCommand {
  const config = JSON.stringify({ admin: { enabled: false }, ...settings });
  return { command: [process.execPath, RUN_TYPESCRIPT, SCRIPT, config], cwd: ROOT, env: {} };
}

/** A node that can be drained, killed and watched. Several run at once, so none is bound to a CPU. */
export class NodeProcess {
  readonly port: number;
  readonly #server: ServerProcess;

  private constructor(port: number, server: ServerProcess) {
    this.port = port;
    this.#server = server;
  }

  /** Resolves once the node is ready for traffic; rejects with its last words if that takes too long. */
  static async start(settings: ConfigInput): Promise<NodeProcess> {
    const port = await freePort();
    const command = nodeCommand({ ...settings, host: '127.0.0.1', port });
    const node = new NodeProcess(port, await ServerProcess.start({ ...command, isPinned: false }, port));
    const deadline = performance.now() + READY_MS;
    while (!(await node.isReady())) {
      if (performance.now() > deadline) {
        await node.end('SIGKILL');
        throw new Error(`a node was not ready within ${READY_MS} ms`);
      }
      await delay(50);
    }
    return node;
  }

  get pid(): number {
    return this.#server.pid;
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
    await this.#server.stop(signal);
  }
}
