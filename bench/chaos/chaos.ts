import { setTimeout as delay } from 'node:timers/promises';
import { CutProxy } from '../../test/support/cut-proxy.ts';
import { type RedisServer, startRedis } from '../../test/support/redis-server.ts';
import { NodeProcess } from '../support/node-process.ts';
import { Backend, NO_ANSWER } from './backend.ts';
import { CHAOS_APP, ChaosClient } from './client.ts';
import { ChannelLedger, judge, type Verdict } from './ledger.ts';
import { quiet } from './quiet.ts';

export interface ChaosOptions {
  /** With `fanfare/client`. */
  readonly helped: number;
  /** By their path alone. */
  readonly resumable: number;
  readonly plain: number;
  readonly channels: number;
  /** Of all channels, in a second. */
  readonly eventsPerSecond: number;
  readonly seconds: number;
  /** One node keeps its state in memory and is not restarted; more share a Redis. */
  readonly nodes: number;
  readonly ackIntervalSeconds: number;
  readonly checkpointSeconds: number;
  readonly shutdownGraceSeconds: number;
  readonly log: (line: string) => void;
}

export interface ChaosResult extends Verdict {
  readonly cuts: number;
  readonly vanished: number;
  readonly freezes: number;
  readonly drains: number;
  readonly kills: number;
  readonly redisRestarts: number;
  readonly reconnects: number;
  readonly published: number;
  /** Publishes that were not answered with 200. */
  readonly refused: number;
  /** New connections in the busiest second of a drain. */
  readonly busiestDrainSecond: number;
}

const CHANNELS_OF_A_CLIENT = 3;
/** pusher-js waits 15 s after an attempt that failed. */
const SETTLE_MS = 75_000;

/** Numbered events and stock clients, while everything between them and below them fails. */
export class Chaos {
  readonly #options: ChaosOptions;
  readonly #ledgers = new Map<string, ChannelLedger>();
  readonly #clients: ChaosClient[] = [];
  readonly #backend = new Backend();
  readonly #counts = { cuts: 0, vanished: 0, freezes: 0, drains: 0, kills: 0, redisRestarts: 0, refused: 0 };
  #nodes: NodeProcess[] = [];
  #redis: RedisServer | undefined;
  #balancer: CutProxy | undefined;
  #busiestDrainSecond = 0;

  constructor(options: ChaosOptions) {
    this.#options = options;
  }

  async run(): Promise<ChaosResult> {
    const { nodes, helped, resumable, plain, channels, log } = this.#options;
    try {
      // What it had accepted is there again when it has restarted, as with any Redis that keeps its data.
      if (nodes > 1) this.#redis = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
      this.#nodes = await Promise.all(Array.from({ length: nodes }, () => this.#startNode()));
      const balancer = await CutProxy.start();
      this.#balancer = balancer;
      this.#balance();
      for (let channel = 0; channel < channels; channel += 1) {
        this.#ledgers.set(`${channel % 2 === 0 ? '' : 'private-'}numbers-${channel}`, new ChannelLedger());
      }
      const names = [...this.#ledgers.keys()];
      for (let index = 0; index < helped + resumable + plain; index += 1) {
        const kind = index < helped ? 'helped' : index < helped + resumable ? 'resumable' : 'plain';
        const of = Array.from(
          { length: CHANNELS_OF_A_CLIENT },
          (_, nth) => names[(index + nth * 7) % names.length] ?? '',
        );
        this.#clients.push(new ChaosClient(index, balancer.port, [...new Set(of)], kind));
      }
      await this.#settle();
      // A node that is killed knows of joins by its last saving, a second ago at most.
      await delay(2000);
      log(
        `${helped} helped, ${resumable} resumable and ${plain} plain clients on ${nodes} ${nodes === 1 ? 'node' : 'nodes'}`,
      );
      const stop = new AbortController();
      const publishers = names.map((name) => this.#publish(name, stop.signal));
      await this.#havoc();
      stop.abort();
      await Promise.all(publishers);
      await this.#settle();
      await quiet(this.#clients);
      return this.#result();
    } finally {
      for (const client of this.#clients) client.disconnect();
      this.#backend.close();
      await this.#balancer?.close();
      await Promise.all(this.#nodes.map((node) => node.end('SIGKILL')));
      await this.#redis?.stop();
    }
  }

  #startNode(): Promise<NodeProcess> {
    const { ackIntervalSeconds, checkpointSeconds, shutdownGraceSeconds } = this.#options;
    return NodeProcess.start({
      shutdownGraceSeconds,
      auth: { enabled: false },
      apps: [CHAOS_APP],
      resume: { ackIntervalSeconds, checkpointSeconds },
      log: { level: 'warn' },
      ...(this.#redis === undefined ? {} : { redis: { url: this.#redis.url } }),
    });
  }

  #balance(): void {
    if (this.#balancer !== undefined) this.#balancer.servers = this.#nodes.map(({ port }) => port);
  }

  /** What goes wrong, and when: by parts of the time. */
  async #havoc(): Promise<void> {
    const { seconds, nodes } = this.#options;
    const endMs = performance.now() + seconds * 1000;
    const events: [number, () => Promise<void>][] =
      nodes > 1
        ? [
            [0.15, () => this.#rollingRestart()],
            [0.55, () => this.#kill()],
            [0.8, () => this.#restartRedis()],
          ]
        : [];
    const large = (async () => {
      const begunMs = performance.now();
      for (const [part, act] of events) {
        await delay(Math.max(0, begunMs + part * seconds * 1000 - performance.now()));
        await act();
      }
    })();
    for (let turn = 0; performance.now() < endMs; turn += 1) {
      await delay(1000 + Math.random() * 2000);
      await this.#disturb(turn);
    }
    await large;
  }

  async #disturb(turn: number): Promise<void> {
    const balancer = this.#balancer;
    if (balancer === undefined) return;
    if (turn % 5 === 3) {
      this.#counts.vanished += balancer.vanish(0.1);
    } else if (turn % 5 === 4) {
      this.#counts.freezes += 1;
      balancer.freeze();
      await delay(1000);
      balancer.thaw();
    } else {
      this.#counts.cuts += balancer.cut(0.1);
    }
  }

  async #rollingRestart(): Promise<void> {
    for (const node of [...this.#nodes]) {
      this.#options.log('a node is drained and restarted');
      const begunMs = performance.now();
      await node.end('SIGTERM');
      this.#counts.drains += 1;
      this.#busiestDrainSecond = Math.max(this.#busiestDrainSecond, this.#busiestSecondSince(begunMs));
      await this.#replace(node);
    }
  }

  async #kill(): Promise<void> {
    const [node] = this.#nodes;
    if (node === undefined) return;
    this.#options.log('a node is killed');
    await node.end('SIGKILL');
    this.#counts.kills += 1;
    await delay(3000);
    await this.#replace(node);
  }

  async #replace(node: NodeProcess): Promise<void> {
    const successor = await this.#startNode();
    this.#nodes = this.#nodes.map((other) => (other === node ? successor : other));
    this.#balance();
  }

  async #restartRedis(): Promise<void> {
    this.#options.log('Redis is killed and restarted');
    await this.#redis?.kill();
    await delay(2000);
    await this.#redis?.start();
    this.#counts.redisRestarts += 1;
  }

  #busiestSecondSince(begunMs: number): number {
    const opened = (this.#balancer?.openedMs ?? []).filter((ms) => ms >= begunMs);
    return Math.max(0, ...opened.map((from) => opened.filter((ms) => ms >= from && ms < from + 1000).length));
  }

  /** One after another, each after the answer to the one before: only so is there an order to keep. */
  async #publish(channel: string, signal: AbortSignal): Promise<void> {
    const ledger = this.#ledgers.get(channel);
    const intervalMs = (1000 * this.#options.channels) / this.#options.eventsPerSecond;
    let dueMs = performance.now() + Math.random() * intervalMs;
    while (ledger !== undefined && !signal.aborted) {
      await delay(Math.max(0, dueMs - performance.now()));
      dueMs = Math.max(dueMs + intervalMs, performance.now());
      ledger.last += 1;
      const number = ledger.last;
      const node = this.#nodes[Math.floor(Math.random() * this.#nodes.length)];
      const status =
        node === undefined ? NO_ANSWER : await this.#backend.trigger('127.0.0.1', node.port, channel, number);
      if (status === 200) ledger.accepted.add(number);
      else this.#counts.refused += 1;
    }
  }

  async #settle(): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    for (;;) {
      const away = this.#clients.filter(({ isSubscribed }) => !isSubscribed).length;
      if (away === 0) return;
      if (performance.now() > deadline) throw new Error(`${away} clients are not subscribed after ${SETTLE_MS} ms`);
      await delay(100);
    }
  }

  #result(): ChaosResult {
    let [published, reconnects] = [0, 0];
    for (const { accepted } of this.#ledgers.values()) published += accepted.size;
    for (const client of this.#clients) reconnects += client.reconnects;
    const sightings = this.#clients.flatMap((client) => [...client.sightings.values()]);
    return {
      ...judge(sightings, this.#ledgers),
      ...this.#counts,
      reconnects,
      published,
      busiestDrainSecond: this.#busiestDrainSecond,
    };
  }
}
