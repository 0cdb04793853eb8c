import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import Pusher from 'pusher';
import pusherJs from 'pusher-js';
import { eventually, expect } from './docker.ts';

// The types say that the class is the module's `default`; in Node the class is the module itself.
const Client = pusherJs as unknown as typeof pusherJs.default;

export interface Target {
  readonly port: number;
  readonly appId: string;
  readonly key: string;
  readonly secret: string;
}

const CHANNEL = 'check';
const PAUSE_MS = 25;

/** Stock clients that resume, and a stock backend that triggers without pause: what arrives is compared with it. */
export class Traffic {
  readonly #received: Set<number>[];
  readonly #clients: InstanceType<typeof Client>[];
  readonly #backend: Pusher;
  #sent = 0;
  #refused = 0;
  #connections = 0;
  #lastError = 'no error';
  #running = true;
  readonly #loop: Promise<void>;

  private constructor(target: Target, clients: number) {
    this.#received = Array.from({ length: clients }, () => new Set<number>());
    this.#clients = this.#received.map((seen) => this.#connect(target, seen));
    const { appId, key, secret } = target;
    this.#backend = new Pusher({ appId, key, secret, host: '127.0.0.1', port: String(target.port), useTLS: true });
    this.#loop = this.#trigger();
  }

  /** Resolves once every client has got an event. */
  static async start(target: Target, clients: number): Promise<Traffic> {
    const traffic = new Traffic(target, clients);
    const all = async () => traffic.#received.every((seen) => seen.size > 0);
    await eventually(all, 'every client gets events', 30).catch(async (error: unknown) => {
      await traffic.stop();
      throw new Error(`${String(error)}; ${traffic.#describe()}`);
    });
    return traffic;
  }

  get sent(): number {
    return this.#sent;
  }

  /** How many connections the clients have made. */
  get connections(): number {
    return this.#connections;
  }

  /** How many triggers were not answered 200; they are sent again. */
  get refused(): number {
    return this.#refused;
  }

  /** Every client has got each event from its first one on. */
  async complete(what: string): Promise<void> {
    const last = this.#sent;
    const missing = () =>
      this.#received.map((seen) => range(Math.min(...seen), last).filter((index) => !seen.has(index)));
    await eventually(
      async () => missing().every((list) => list.length === 0),
      `${what}: every client has events 1 to ${last}`,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; missing ${JSON.stringify(missing().map((list) => list.slice(0, 10)))}`);
    });
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#loop;
    for (const client of this.#clients) client.disconnect();
  }

  #connect({ key, port }: Target, seen: Set<number>): InstanceType<typeof Client> {
    const client = new Client(key, {
      cluster: '',
      wsHost: '127.0.0.1',
      wssPort: port,
      forceTLS: true,
      enabledTransports: ['ws', 'wss'],
      wsPath: `/resume/${randomUUID()}`,
    });
    client.connection.bind('connected', () => {
      this.#connections += 1;
    });
    client.connection.bind('error', (error: unknown) => {
      this.#lastError = JSON.stringify(error);
    });
    client.subscribe(CHANNEL).bind('event', ({ index }: { index: number }) => seen.add(index));
    return client;
  }

  #describe(): string {
    const states = this.#clients.map(({ connection }) => connection.state);
    return `${this.#sent} sent, ${this.#refused} refused; clients are ${[...new Set(states)]}; ${this.#lastError}`;
  }

  async #trigger(): Promise<void> {
    while (this.#running) {
      const index = this.#sent + 1;
      const accepted = await this.#backend.trigger(CHANNEL, 'event', { index }).then(
        ({ status }) => status === 200,
        () => false,
      );
      if (accepted) this.#sent = index;
      else this.#refused += 1;
      await delay(PAUSE_MS);
    }
  }
}

function range(from: number, to: number): number[] {
  expect(Number.isFinite(from), 'a client has got nothing at all');
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, step) => from + step);
}
