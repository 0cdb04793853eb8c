import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

const START_SECONDS = 60;
const KEPT_OUTPUT_CHARACTERS = 2000;

/** The server has CPU 0 to itself and the load CPU 1, if the machine has both and `taskset`. */
export const isPinned = availableParallelism() >= 2 && spawnSync('taskset', ['--version']).status === 0;

/** A command pinned to one CPU if that is possible. `taskset` becomes the command, so the process id is the same. */
export function pinned(cpu: 0 | 1, command: readonly string[]): [string, string[]] {
  return unpinned(isPinned ? ['taskset', '-c', String(cpu), ...command] : command);
}

function unpinned([file = '', ...rest]: readonly string[]): [string, string[]] {
  return [file, rest];
}

export interface ServerCommand {
  readonly command: readonly string[];
  readonly cwd: string;
  /** All that the server sees of an environment, beside PATH and HOME. */
  readonly env: Readonly<Record<string, string>>;
  /** False leaves the scheduler to choose a CPU: for runs that measure no CPU time. */
  readonly isPinned?: boolean;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A server under test: started, listening, and killed when it has been measured. */
export class ServerProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    this.#exited = new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      child.once('exit', () => resolve());
    });
  }

  /** Resolves once the port accepts connections. Rejects with the server's last words if it ends or takes too long. */
  static async start(server: ServerCommand, port: number, host = '127.0.0.1'): Promise<ServerProcess> {
    const { command, cwd, env } = server;
    const [file, args] = server.isPinned === false ? unpinned(command) : pinned(0, command);
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
      running.delete(child);
      ending = `it ended with ${signal ?? code}`;
    });
    const deadline = Date.now() + START_SECONDS * 1000;
    while (!(await accepts(host, port))) {
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

  /** Resolves once the process has ended: killed, or with SIGTERM as it ends by itself. */
  async stop(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal);
    await this.#exited;
  }
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
