import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

const START_SECONDS = 30;
const KEPT_OUTPUT_CHARACTERS = 2000;

/** The server has CPU 0 to itself and the load CPU 1, where the machine has both and `taskset`. */
export const isPinned = availableParallelism() >= 2 && spawnSync('taskset', ['--version']).status === 0;

/** A command pinned to one CPU where that is possible. `taskset` becomes the command, so the process id is the same. */
export function pinned(cpu: 0 | 1, command: readonly string[]): [string, string[]] {
  const [file = '', ...rest] = isPinned ? ['taskset', '-c', String(cpu), ...command] : command;
  return [file, rest];
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port was assigned'));
        else resolve(address.port);
      });
    });
  });
}

export interface ServerCommand {
  readonly command: readonly string[];
  readonly cwd: string;
  /** All that the server sees of an environment, beside PATH and HOME. */
  readonly env: Readonly<Record<string, string>>;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A server under test: started, listening, and killed when it has been measured, for it keeps nothing. */
export class ServerProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => {
        running.delete(child);
        resolve();
      });
    });
  }

  /** Resolves once the port accepts connections. Rejects with the server's last words if it ends or takes too long. */
  static async start({ command, cwd, env }: ServerCommand, port: number): Promise<ServerProcess> {
    const [file, args] = pinned(0, command);
    const { PATH, HOME } = process.env;
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd, env: { PATH, HOME, ...env } });
    running.add(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output = (output + String(text)).slice(-KEPT_OUTPUT_CHARACTERS);
      });
    }
    let ending: string | undefined;
    child.once('error', (error) => {
      ending = error.message;
    });
    child.once('exit', (code, signal) => {
      ending = `it ended with ${signal ?? code}`;
    });
    const deadline = Date.now() + START_SECONDS * 1000;
    while (!(await accepts(port))) {
      if (ending !== undefined) throw new Error(`${ending}: ${output.trim()}`);
      if (Date.now() > deadline) {
        child.kill('SIGKILL');
        throw new Error(`it did not listen within ${START_SECONDS} s: ${output.trim()}`);
      }
      await delay(50);
    }
    if (child.pid === undefined) throw new Error('the server has no process id');
    return new ServerProcess(child, child.pid);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
