import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CutProxy } from '../../test/support/cut-proxy.ts';
import { CHAOS_APP } from '../chaos/client.ts';
import { nodeCommand } from '../support/node-process.ts';
import { ServerProcess } from '../support/server-process.ts';
import { JumpingClock } from './clock.ts';
import { ADDRESSES, type Network } from './network.ts';
import { type Breakable, LEASE_SECONDS, type Scenario } from './scenarios.ts';

/** Each host has its ports to itself. */
export const NODE_PORT = 6001;
const REDIS_PORT = 6379;
const READY_MS = 60_000;
export const NODES = ['node1', 'node2'] as const;
export type NodeName = (typeof NODES)[number];

/** Redis and two nodes, each on a host of its own. */
export class Hosts implements Breakable {
  readonly network: Network;
  readonly #processes: ServerProcess[] = [];
  readonly #clock = new JumpingClock();
  readonly #directory = mkdtempSync(join(tmpdir(), 'fanfare-faults-'));
  #proxy: CutProxy | undefined;

  private constructor(network: Network) {
    this.network = network;
  }

  /** Resolves once both nodes are ready. */
  static async start(network: Network, scenario: Scenario, faketime: string | undefined): Promise<Hosts> {
    const hosts = new Hosts(network);
    try {
      await hosts.#start(scenario, faketime);
      return hosts;
    } catch (error) {
      await hosts.stop();
      throw error;
    }
  }

  async #start({ clock, isDelaying }: Scenario, faketime: string | undefined): Promise<void> {
    const env = faketime === undefined ? {} : this.#clock.env(faketime);
    const redis = ['redis-server', '--port', String(REDIS_PORT), '--bind', '0.0.0.0', '--protected-mode', 'no'];
    const command = this.network.on('redis', ...redis, '--save', '');
    this.#processes.push(
      await ServerProcess.start(
        { command, cwd: this.#directory, env: clock === 'redis' ? env : {}, isPinned: false },
        REDIS_PORT,
        ADDRESSES.redis,
      ),
    );
    let url = `redis://${ADDRESSES.redis}:${REDIS_PORT}`;
    if (isDelaying) {
      this.#proxy = await CutProxy.listen(ADDRESSES.clients, [{ host: ADDRESSES.redis, port: REDIS_PORT }]);
      url = `redis://${ADDRESSES.clients}:${this.#proxy.port}`;
    }
    const starts = NODES.map(async (name) => {
      const server = nodeCommand({
        host: '0.0.0.0',
        port: NODE_PORT,
        auth: { enabled: false },
        apps: [CHAOS_APP],
        redis: { url, leaseSeconds: LEASE_SECONDS },
        log: { level: 'warn' },
      });
      const command = this.network.on(name, ...server.command);
      const started = { ...server, command, isPinned: false, env: clock === name ? env : {} };
      this.#processes.push(await ServerProcess.start(started, NODE_PORT, ADDRESSES[name]));
    });
    await Promise.all(starts);
    const deadline = performance.now() + READY_MS;
    while (!(await this.areReady())) {
      if (performance.now() > deadline) throw new Error(`the nodes were not ready within ${READY_MS} ms`);
      await delay(50);
    }
  }

  async areReady(): Promise<boolean> {
    const ready = await Promise.all(
      NODES.map(async (name) => {
        try {
          const url = `http://${ADDRESSES[name]}:${NODE_PORT}/ready`;
          return (await fetch(url, { signal: AbortSignal.timeout(1000) })).ok;
        } catch {
          // Who does not answer is not ready.
          return false;
        }
      }),
    );
    return ready.every(Boolean);
  }

  delayRedis(ms: number): void {
    if (this.#proxy !== undefined) this.#proxy.delayMs = ms;
  }

  jump(seconds: number): void {
    this.#clock.jump(seconds);
  }

  heal(): void {
    this.network.heal();
    this.delayRedis(0);
    this.#clock.jump(0);
  }

  async stop(): Promise<void> {
    this.network.heal();
    await Promise.all(this.#processes.map((process) => process.stop('SIGKILL')));
    await this.#proxy?.close();
    this.#clock.remove();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
