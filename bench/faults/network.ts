import { execFileSync, spawnSync } from 'node:child_process';

/** The hosts, by their addresses; none of them is in the namespace that the command was started in. */
export const ADDRESSES = {
  clients: '10.231.77.1',
  node1: '10.231.77.2',
  node2: '10.231.77.3',
  redis: '10.231.77.4',
} as const;
export type Host = keyof typeof ADDRESSES;
const HOSTS = Object.keys(ADDRESSES) as Host[];

/** Why this machine cannot make namespaces, in one sentence. */
export function missingForNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'npm run faults needs Linux: it makes network namespaces.';
  if (process.getuid?.() !== 0) return 'npm run faults needs root: it makes network namespaces of its own.';
  for (const [tool, option] of Object.entries({ ip: '-V', iptables: '--version', 'redis-server': '--version' })) {
    if (spawnSync(tool, [option]).status === 0) continue;
    return `npm run faults needs ${tool}: on Debian, apt-get install iproute2 iptables redis-server.`;
  }
  return undefined;
}

/** Network namespaces, each with one address, on one bridge that is in the namespace of the clients. */
export class Network {
  readonly #prefix: string;

  /** @param prefix what the namespaces' names begin with, so that runs do not meet */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  create(): void {
    for (const host of HOSTS) ip('netns', 'add', this.#name(host));
    const hub = this.#name('clients');
    ip('-n', hub, 'link', 'add', 'bridge', 'type', 'bridge');
    ip('-n', hub, 'addr', 'add', `${ADDRESSES.clients}/24`, 'dev', 'bridge');
    ip('-n', hub, 'link', 'set', 'bridge', 'up');
    for (const host of HOSTS) {
      const name = this.#name(host);
      ip('-n', name, 'link', 'set', 'lo', 'up');
      if (host === 'clients') continue;
      ip('-n', hub, 'link', 'add', host, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      ip('-n', hub, 'link', 'set', host, 'master', 'bridge', 'up');
      ip('-n', name, 'addr', 'add', `${ADDRESSES[host]}/24`, 'dev', 'eth0');
      ip('-n', name, 'link', 'set', 'eth0', 'up');
    }
  }

  /** Ends what still runs in the namespaces, and removes them. May be called at any time, and again. */
  remove(): void {
    for (const host of HOSTS) {
      const name = this.#name(host);
      const pids = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
      if (pids.status !== 0) continue;
      for (const pid of pids.stdout.split('\n').filter(Boolean)) kill(Number(pid));
      spawnSync('ip', ['netns', 'del', name]);
    }
  }

  /** The command, as it runs on the host. It takes the place of `ip`, so the process id is the same. */
  on(host: Host, ...command: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.#name(host), ...command];
  }

  /** What one host sends is lost before the other gets it, wholly or with this probability. The other way is open. */
  lose(from: Host, to: Host, probability = 1): void {
    const some = probability === 1 ? [] : ['-m', 'statistic', '--mode', 'random', '--probability', String(probability)];
    this.#iptables(to, '-A', 'INPUT', '-s', ADDRESSES[from], ...some, '-j', 'DROP');
  }

  heal(): void {
    for (const host of HOSTS) this.#iptables(host, '-F', 'INPUT');
  }

  #iptables(host: Host, ...args: readonly string[]): void {
    const [file = '', ...rest] = this.on(host, 'iptables', '-w', ...args);
    execFileSync(file, rest);
  }

  #name(host: Host): string {
    return `${this.#prefix}-${host}`;
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has ended by itself meanwhile.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
