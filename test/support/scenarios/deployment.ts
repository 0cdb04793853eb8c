import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { freePort } from '../free-port.ts';
import type { Target } from '../target.ts';
import { RUN_TYPESCRIPT } from '../typescript.ts';
import { Child } from './child.ts';
import { NginxFolder } from './nginx.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** How many nodes stand behind nginx. */
const REPLICAS = 2;

// nginx has a certificate of its own making here, and pusher-js for Node takes no authority to check it by.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';

export const CREDENTIALS = { appId: 'scenario', key: 'scenario-key', secret: 'scenario-secret-that-nobody-else-has' };
export const JWT_SECRET = 'a-jwt-secret-of-the-scenarios-long-enough-for-hs256';

export interface DeploymentOptions {
  /** Relative to the project. Default: the rules that Fanfare ships. */
  readonly rulesFile?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The file of nginx/ with the locations. Default: those of a host of its own. */
  readonly locations?: string;
  /** Changes nginx's files before it starts. */
  readonly edit?: (nginx: NginxFolder) => void;
}

/** A line of a node's log. */
export type LogEntry = Readonly<Record<string, unknown>>;

/** One server process, as `npm start` runs it. */
export class Node {
  readonly port: number;
  readonly process: Child;

  private constructor(port: number, process: Child) {
    this.port = port;
    this.process = process;
  }

  static async start(t: Test, env: Readonly<Record<string, string>>): Promise<Node> {
    const process = await Child.start(t, globalThis.process.execPath, [RUN_TYPESCRIPT, 'src/cli.ts', 'serve'], {
      cwd: ROOT,
      env: { NODE_ENV: 'production', FANFARE_HOST: '127.0.0.1', FANFARE_PORT: '0', ...env },
      exitLimitMs: 10_000,
    });
    const listening = entry(await process.line(/"msg":"listening"/));
    return new Node(Number(listening.port), process);
  }

  log(): LogEntry[] {
    return this.process.lines.filter((line) => line.startsWith('{')).map(entry);
  }

  /** As an orchestrator stops it: SIGTERM; resolves with the exit code. */
  async stop(): Promise<number | null> {
    this.process.signal('SIGTERM');
    return await this.process.exited;
  }

  /** As a machine that goes down. */
  async kill(): Promise<void> {
    this.process.signal('SIGKILL');
    await this.process.exited;
  }
}

/** Two nodes that share a real Redis, behind the real nginx with the shipped configuration, over TLS. */
export interface Deployment {
  /** Through nginx. */
  readonly target: Target;
  readonly nginx: NginxFolder;
  readonly nodes: Node[];
  /** Stops a node, and starts a new one in its place. */
  replace(node: Node): Promise<void>;
  /** What all nodes have logged. */
  log(): LogEntry[];
  /** How many nodes nginx has sent requests to that have ended, WebSocket connections among them. */
  nodesUsed(): number;
}

export async function openDeployment(t: Test, options: DeploymentOptions = {}): Promise<Deployment> {
  const env = {
    PUSHER_APP_ID: CREDENTIALS.appId,
    PUSHER_APP_KEY: CREDENTIALS.key,
    PUSHER_APP_SECRET: CREDENTIALS.secret,
    JWT_SECRET,
    FANFARE_TRUSTED_PROXIES: '127.0.0.1',
    FANFARE_SHUTDOWN_GRACE_SECONDS: '1',
    FANFARE_AUTH_RULES_FILE: options.rulesFile ?? 'config/channels.js',
    REDIS_URL: await startRedis(t),
    ...options.env,
  };
  // Not the port 0: what the kernel has picked for one process is not another's at once.
  const start = (port: number) => Node.start(t, { ...env, FANFARE_PORT: String(port) });
  const nodes = await Promise.all(Array.from({ length: REPLICAS }, async () => start(await freePort())));
  const nginx = await NginxFolder.create(t);
  if (options.locations !== undefined) {
    nginx.edit('nginx.conf', [['include fanfare-locations.conf;', `include ${options.locations};`]]);
  }
  nginx.setNodes(nodes.map(({ port }) => port));
  options.edit?.(nginx);
  await nginx.start(t);
  const host = `127.0.0.1:${nginx.httpsPort}`;
  return {
    target: { origin: `https://${host}`, wsOrigin: `wss://${host}`, ...CREDENTIALS },
    nginx,
    nodes,
    async replace(node) {
      await node.stop();
      nodes[nodes.indexOf(node)] = await start(node.port);
    },
    log: () => nodes.flatMap((node) => node.log()),
    nodesUsed: () => new Set(nginx.accessLog().match(/up=127\S+:\d+/g)).size,
  };
}

async function startRedis(t: Test): Promise<string> {
  const port = await freePort();
  const redis = await Child.start(t, 'redis-server', [
    ...['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
  ]);
  await redis.line(/Ready to accept connections/);
  return `redis://127.0.0.1:${port}`;
}

function entry(line: string): LogEntry {
  return JSON.parse(line) as LogEntry;
}
