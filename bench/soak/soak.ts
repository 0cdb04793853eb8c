import { setTimeout as delay } from 'node:timers/promises';
import { type RedisServer, startRedis } from '../../test/support/redis-server.ts';
import { SignedApi } from '../../test/support/signed-api.ts';
import { targetAt } from '../../test/support/target.ts';
import { type ClientCounts, liveOnce, SHARED_CHANNELS, SOAK_APP } from './client.ts';
import type { Holdings } from './node.ts';
import { SoakNode } from './soak-node.ts';

export interface SoakOptions {
  /** Waves of clients; after each all have gone, and what is left is measured. */
  readonly waves: number;
  readonly secondsOfWave: number;
  /** Clients of all nodes at once. */
  readonly clients: number;
  readonly nodes: number;
  readonly log: (line: string) => void;
}

/** What is there when all have gone. */
export interface Rest {
  readonly nodes: readonly Holdings[];
  /** Keys in Redis by the name of what they hold, without those of cache channels. */
  readonly keys: Readonly<Record<string, number>>;
}

export interface SoakResult extends ClientCounts {
  /** Before the first client, and after each wave. */
  readonly rests: readonly Rest[];
  readonly triggers: number;
  readonly refused: number;
  readonly reloads: number;
  readonly hangs: number;
}

/** The shortest that the settings allow: what is kept for whoever comes back is gone soon after a wave. */
const WINDOW_SECONDS = 10;
const HANG_MS = 1500;
/** A log may live for the window and two intervals of acknowledgement. */
const REST_MS = (WINDOW_SECONDS + 8) * 1000;
const SETTLE_MS = 30_000;
const CACHED = 'cached';

/** Clients come, act and go, configurations are reloaded, and Redis hangs: what stays behind? */
export class Soak {
  readonly #options: SoakOptions;
  readonly #counts = { connections: 0, subscriptions: 0, clientEvents: 0, received: 0 };
  #nodes: SoakNode[] = [];
  #redis: RedisServer | undefined;
  #triggers = 0;
  #refused = 0;
  #reloads = 0;
  #hangs = 0;

  constructor(options: SoakOptions) {
    this.#options = options;
  }

  async run(): Promise<SoakResult> {
    const { waves, nodes, log } = this.#options;
    try {
      const redis = await startRedis();
      this.#redis = redis;
      this.#nodes = await Promise.all(Array.from({ length: nodes }, () => SoakNode.start(this.#settings(redis.url))));
      const rests = [await this.#rest()];
      for (let wave = 1; wave <= waves; wave += 1) {
        await this.#wave();
        await delay(REST_MS);
        const rest = await this.#settled(rests[0]?.keys ?? {});
        rests.push(rest);
        log(`wave ${wave} of ${waves}: ${restText(rest)}`);
      }
      await Promise.all(this.#nodes.map((node) => node.stop()));
      return {
        ...this.#counts,
        rests,
        triggers: this.#triggers,
        refused: this.#refused,
        reloads: this.#reloads,
        hangs: this.#hangs,
      };
    } finally {
      await this.#redis?.stop();
    }
  }

  #settings(url: string): Parameters<typeof SoakNode.start>[0] {
    return {
      host: '127.0.0.1',
      port: 0,
      shutdownGraceSeconds: 1,
      auth: { enabled: false },
      admin: { enabled: false },
      log: { level: 'silent' },
      redis: { url, leaseSeconds: 3, lingerSeconds: 1 },
      resume: {
        windowSeconds: WINDOW_SECONDS,
        sessionSeconds: WINDOW_SECONDS,
        ackIntervalSeconds: 2,
        checkpointSeconds: 2,
      },
      apps: [{ ...SOAK_APP, clientEvents: true, subscriptionCount: true }],
    };
  }

  async #wave(): Promise<void> {
    const { secondsOfWave, clients } = this.#options;
    const endMs = performance.now() + secondsOfWave * 1000;
    const isOver = () => performance.now() > endMs;
    const living = Array.from({ length: clients }, async (_, index) => {
      await delay(Math.random() * 1000);
      for (let life = index; !isOver(); life += 1) {
        const port = this.#nodes[life % this.#nodes.length]?.port ?? 0;
        const lifeMs = Math.min(500 + Math.random() * 5000, Math.max(100, endMs - performance.now()));
        await liveOnce(port, lifeMs, this.#counts);
      }
    });
    await Promise.all([...living, this.#publish(isOver), this.#reload(isOver), this.#hang(isOver, secondsOfWave)]);
  }

  async #publish(isOver: () => boolean): Promise<void> {
    for (let turn = 0; !isOver(); turn += 1) {
      await delay(50);
      const node = this.#nodes[turn % this.#nodes.length];
      const channel = SHARED_CHANNELS[turn % SHARED_CHANNELS.length] ?? '';
      const api = new SignedApi(targetAt(`http://127.0.0.1:${node?.port}`, SOAK_APP));
      const answer = await api.post('/events', { name: 'soak', channel, data: `{"turn":${turn}}` });
      if (answer.status === 200) this.#triggers += 1;
      else this.#refused += 1;
    }
  }

  async #reload(isOver: () => boolean): Promise<void> {
    for (let turn = 0; !isOver(); turn += 1) {
      await delay(700);
      await this.#nodes[turn % this.#nodes.length]?.reload();
      this.#reloads += 1;
    }
  }

  /** Once in a wave, in its middle. */
  async #hang(isOver: () => boolean, seconds: number): Promise<void> {
    await delay(seconds * 400);
    if (isOver()) return;
    this.#redis?.signal('SIGSTOP');
    await delay(HANG_MS);
    this.#redis?.signal('SIGCONT');
    this.#hangs += 1;
  }

  /** What is left once nothing goes any more; waits for as long as there are more keys than at first. */
  async #settled(atFirst: Readonly<Record<string, number>>): Promise<Rest> {
    const deadline = performance.now() + SETTLE_MS;
    for (;;) {
      const rest = await this.#rest();
      const isMore = Object.entries(rest.keys).some(([name, count]) => count > (atFirst[name] ?? 0));
      if (!isMore || performance.now() > deadline) return rest;
      await delay(1000);
    }
  }

  async #rest(): Promise<Rest> {
    const nodes: Holdings[] = [];
    for (const node of this.#nodes) nodes.push(await node.holdings());
    const keys: Record<string, number> = {};
    const all = (await this.#redis?.command('KEYS', '*')) ?? '';
    for (const key of all.split('\n').filter((line) => line !== '')) {
      // fanfare:2{17}counts:app/orders
      const name = /\}([a-z-]+)/i.exec(key)?.[1] ?? key;
      if (!name.startsWith(CACHED)) keys[name] = (keys[name] ?? 0) + 1;
    }
    return { nodes, keys };
  }
}

const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;

/** `heap 20.1 MB, 20.3 MB; memory …; resources …; keys …`, each for every node. */
export function restText({ nodes, keys }: Rest): string {
  const resources = nodes.map(({ resources: kinds }) => Object.values(kinds).reduce((sum, count) => sum + count, 0));
  const kept = Object.entries(keys).map(([name, count]) => `${name} ${count}`);
  return (
    `heap ${nodes.map(({ heapBytes }) => megabytes(heapBytes)).join(', ')}; ` +
    `memory ${nodes.map(({ residentBytes }) => megabytes(residentBytes)).join(', ')}; ` +
    `handles and timers ${resources.join(', ')}; keys in Redis: ${kept.join(', ') || 'none'}`
  );
}
