import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.ts';
import { APP, contestants } from '../peers/contestants.ts';
import type { LoadJob } from '../support/load/load-run.ts';
import { type ServerCommand, ServerProcess } from '../support/server-process.ts';

export type ServerName = 'fanfare' | 'soketi';
export type NodeCount = 1 | 2;

/** One server on its own, or two nodes of it over a Redis. */
export interface DeploymentKind {
  readonly server: ServerName;
  readonly nodes: NodeCount;
}

/** The same settings twice: one node's, and what makes it one of several. */
const OVER_REDIS: Readonly<Record<ServerName, (redisPort: number) => Record<string, string>>> = {
  fanfare: (port) => ({ REDIS_URL: `redis://127.0.0.1:${port}` }),
  soketi: (port) => ({
    SOKETI_ADAPTER_DRIVER: 'redis',
    SOKETI_DB_REDIS_HOST: '127.0.0.1',
    SOKETI_DB_REDIS_PORT: String(port),
  }),
};

export type JobTarget = Pick<
  LoadJob,
  'server' | 'port' | 'triggerPort' | 'serverPid' | 'otherPids' | 'isSigned' | 'app'
>;

/** A redis-server of its own, without persistence, in a folder that goes with it. */
export class RedisProcess {
  readonly port: number;
  readonly #process: ServerProcess;
  readonly #folder: string;

  private constructor(port: number, process: ServerProcess, folder: string) {
    this.port = port;
    this.#process = process;
    this.#folder = folder;
  }

  static async start(): Promise<RedisProcess> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'fanfare-bench-redis-'));
    // Of a run that is interrupted, too.
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const persistence = ['--save', '', '--appendonly', 'no', '--dir', folder];
    const command = ['redis-server', '--port', String(port), '--bind', '127.0.0.1', ...persistence];
    try {
      return new RedisProcess(port, await ServerProcess.start({ command, cwd: folder, env: {} }, port), folder);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw new Error(`redis-server does not run: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Running processes: the far node has the subscribers, the near one takes the triggers. With one node, it is both. */
export class Deployment {
  readonly kind: DeploymentKind;
  readonly target: JobTarget;
  readonly #processes: readonly { stop(): Promise<void> }[];

  private constructor(kind: DeploymentKind, target: JobTarget, processes: readonly { stop(): Promise<void> }[]) {
    this.kind = kind;
    this.target = target;
    this.#processes = processes;
  }

  /** @param cliFile see `contestants` */
  static async start(kind: DeploymentKind, cliFile: string | undefined): Promise<Deployment> {
    const started: { stop(): Promise<void> }[] = [];
    try {
      const common = { server: labelOf(kind), isSigned: true, app: APP };
      if (kind.nodes === 1) {
        const node = await startNode(kind.server, cliFile, {}, started);
        return new Deployment(kind, { ...common, port: node.port, serverPid: node.pid }, started);
      }
      const redis = await RedisProcess.start();
      started.push(redis);
      const env = OVER_REDIS[kind.server](redis.port);
      const far = await startNode(kind.server, cliFile, env, started);
      const near = await startNode(kind.server, cliFile, env, started);
      const target = {
        ...common,
        port: far.port,
        serverPid: far.pid,
        triggerPort: near.port,
        otherPids: [near.pid, redis.pid],
      };
      return new Deployment(kind, target, started);
    } catch (error) {
      for (const process of started.reverse()) await process.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    // Redis was first to start, and is last to go.
    for (const process of [...this.#processes].reverse()) await process.stop();
  }
}

export function labelOf({ server, nodes }: DeploymentKind): string {
  return nodes === 1 ? `${server}, one node` : `${server}, two nodes over Redis`;
}

async function startNode(
  server: ServerName,
  cliFile: string | undefined,
  env: Readonly<Record<string, string>>,
  started: { stop(): Promise<void> }[],
): Promise<{ port: number; pid: number }> {
  const contestant = contestants(cliFile).find(({ name }) => name === server);
  if (contestant === undefined) throw new Error(`there is no ${server} to run`);
  const port = await freePort();
  const command: ServerCommand = contestant.command(port);
  const process = await ServerProcess.start({ ...command, env: { ...command.env, ...env } }, port);
  started.push(process);
  return { port, pid: process.pid };
}
