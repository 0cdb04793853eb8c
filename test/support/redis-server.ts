import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { until } from './wait.ts';

const run = promisify(execFile);

/** A test that fails badly must not leave its servers behind. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A real redis-server of a test's own, without persistence: started again, it is empty. */
export class RedisServer {
  readonly port: number;
  readonly #args: readonly string[];
  readonly #directory: string;
  #process: ChildProcess | undefined;

  constructor(port: number, args: readonly string[], directory: string) {
    this.port = port;
    this.#args = args;
    this.#directory = directory;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const child = spawn('redis-server', [...this.#args], { cwd: this.#directory, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on('error', (error) => {
      output += `redis-server could not be started: is it installed? ${error.message}`;
    });
    this.#process = child;
    running.add(child);
    child.on('exit', () => running.delete(child));
    await until(async () => {
      if (child.exitCode !== null || child.pid === undefined) throw new Error(`redis-server ended:\n${output}`);
      return /^(PONG|NOAUTH)/.test(await this.command('PING').catch(() => ''));
    }, `redis-server on port ${this.port} answers`);
  }

  /** Ends at once, as by a crash. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(signal);
  }

  async stop(): Promise<void> {
    this.signal('SIGCONT');
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async command(...args: string[]): Promise<string> {
    const { stdout } = await run('redis-cli', ['-h', '127.0.0.1', '-p', String(this.port), ...args], { timeout: 5000 });
    return stdout.trim();
  }
}

export async function startRedis(...args: string[]): Promise<RedisServer> {
  const port = await freePort();
  const server = new RedisServer(port, [...commonArgs(port), ...args], temporary());
  await server.start();
  return server;
}

export interface RedisCluster {
  readonly url: string;
  readonly masters: readonly RedisServer[];
  readonly replicas: readonly RedisServer[];
  stop(): Promise<void>;
}

const SLOTS = 16_384;

/** A Redis Cluster of so many masters, each with a replica if asked for. */
export async function startCluster(masterCount = 3, { replicated = false } = {}): Promise<RedisCluster> {
  const count = replicated ? masterCount * 2 : masterCount;
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const [port, busPort] = [await freePort(), await freePort()];
      const cluster = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '1000'];
      const quick = ['--repl-diskless-sync-delay', '0', '--cluster-require-full-coverage', 'no'];
      const server = new RedisServer(port, [...commonArgs(port), ...cluster, ...quick], temporary());
      await server.start();
      return { server, busPort };
    }),
  );
  const masters = servers.slice(0, masterCount).map(({ server }) => server);
  const replicas = servers.slice(masterCount).map(({ server }) => server);
  const [first] = masters;
  if (first === undefined) throw new Error('A cluster needs a master');
  for (const [index, master] of masters.entries()) {
    const from = Math.floor((index * SLOTS) / masterCount);
    const to = Math.floor(((index + 1) * SLOTS) / masterCount) - 1;
    await master.command('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
    await master.command('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
  }
  for (const { server, busPort } of servers.slice(1)) {
    await first.command('CLUSTER', 'MEET', '127.0.0.1', String(server.port), String(busPort));
  }
  const everyone = servers.map(({ server }) => server);
  await until(async () => {
    const known = await Promise.all(everyone.map((server) => server.command('CLUSTER', 'INFO')));
    return known.every((info) => info.includes(`cluster_known_nodes:${count}`));
  }, 'every node of the cluster knows the others');
  for (const [index, replica] of replicas.entries()) {
    const id = (await masters[index]?.command('CLUSTER', 'MYID')) ?? '';
    await replica.command('CLUSTER', 'REPLICATE', id);
  }
  await until(
    async () => {
      const states = await Promise.all(everyone.map((server) => server.command('CLUSTER', 'INFO')));
      const linked = await Promise.all(replicas.map((server) => server.command('INFO', 'replication')));
      return (
        states.every((info) => info.includes('cluster_state:ok')) &&
        linked.every((info) => info.includes('master_link_status:up'))
      );
    },
    'the cluster is ready',
    10_000,
  );
  return {
    url: `redis+cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    masters,
    replicas,
    stop: async () => {
      await Promise.all(everyone.map((server) => server.stop()));
    },
  };
}

export interface SentinelDeployment {
  readonly url: string;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  stop(): Promise<void>;
}

/** A master, a replica, and three sentinels that take a master for dead after half a second. */
export async function startSentinels(): Promise<SentinelDeployment> {
  const master = await startRedis('--repl-diskless-sync-delay', '0');
  const replica = await startRedis('--replicaof', `127.0.0.1 ${master.port}`);
  await until(
    async () => (await replica.command('INFO', 'replication')).includes('master_link_status:up'),
    'a replica',
  );
  const sentinels = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const port = await freePort();
      const directory = temporary();
      const file = join(directory, 'sentinel.conf');
      const settings = [
        `port ${port}`,
        'bind 127.0.0.1',
        `sentinel monitor fanfare 127.0.0.1 ${master.port} 2`,
        'sentinel down-after-milliseconds fanfare 500',
        'sentinel failover-timeout fanfare 3000',
      ];
      writeFileSync(file, settings.join('\n'));
      const sentinel = new RedisServer(port, [file, '--sentinel'], directory);
      await sentinel.start();
      return sentinel;
    }),
  );
  await until(
    async () => {
      const answers = await Promise.all(sentinels.map((sentinel) => sentinel.command('SENTINEL', 'MASTER', 'fanfare')));
      return answers.every(
        (text) => /num-slaves\n1\n/.test(`${text}\n`) && /num-other-sentinels\n2\n/.test(`${text}\n`),
      );
    },
    'the sentinels know one another',
    15_000,
  );
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/fanfare`,
    master,
    replica,
    stop: async () => {
      await Promise.all([...sentinels, master, replica].map((server) => server.stop()));
    },
  };
}

function commonArgs(port: number): string[] {
  return ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--loglevel', 'warning'];
}

function temporary(): string {
  return mkdtempSync(join(tmpdir(), 'fanfare-redis-'));
}
