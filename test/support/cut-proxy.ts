import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface Address {
  readonly host: string;
  readonly port: number;
}

interface Link {
  readonly client: Socket;
  /** Undefined while a server is being looked for. */
  server: Socket | undefined;
}

/**
 * A network between clients and servers that fails as networks do: it cuts connections without a close frame, lets one
 * side believe that it is still connected, freezes, and delays. With several servers it is a balancer that takes them
 * in turn and passes over those that do not answer.
 */
export class CutProxy {
  /** A number is a port of loopback. */
  servers: readonly (number | Address)[];
  /** How much later than it was sent, what is sent arrives, in either direction. */
  delayMs = 0;
  readonly #listener: Server;
  readonly #links = new Set<Link>();
  #isFrozen = false;
  #isOffline = false;
  #held: (() => void)[] = [];
  #turn = 0;
  /** When connections were asked for. */
  readonly openedMs: number[] = [];

  private constructor(servers: readonly (number | Address)[]) {
    this.servers = servers;
    this.#listener = createServer((client) => void this.#accept(client));
  }

  static async start(...servers: readonly number[]): Promise<CutProxy> {
    return await CutProxy.listen('127.0.0.1', servers);
  }

  /** As `start`, on another address of this machine. */
  static async listen(host: string, servers: readonly (number | Address)[]): Promise<CutProxy> {
    const proxy = new CutProxy(servers);
    await new Promise<void>((resolve) => proxy.#listener.listen(0, host, resolve));
    return proxy;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#links.size;
  }

  get isOffline(): boolean {
    return this.#isOffline;
  }

  /**
   * While it is set, who asks for a connection waits for an answer. It is not refused: after a refusal, pusher-js waits
   * 15 s before it asks again.
   */
  set isOffline(value: boolean) {
    this.#isOffline = value;
    if (value) return;
    const held = this.#held;
    this.#held = [];
    for (const release of held) release();
  }

  /**
   * Both sides notice that the connection has gone; neither is told why. `share` of the connections, chosen at random.
   */
  cut(share = 1): number {
    return this.#choose(share, ({ client, server }) => {
      client.destroy();
      server?.destroy();
    });
  }

  /** The client notices, the server does not: as when a phone leaves one network for another. */
  vanish(share = 1): number {
    return this.#choose(share, ({ client, server }) => {
      server?.removeAllListeners('data');
      server?.pause();
      client.removeAllListeners('close');
      client.destroy();
    });
  }

  /** Nothing moves in either direction until it thaws. */
  freeze(): void {
    this.#isFrozen = true;
    for (const { client, server } of this.#links) {
      client.pause();
      server?.pause();
    }
  }

  /** Nothing of what servers send reaches clients any more; what clients send goes on. */
  stopReading(): void {
    for (const { server } of this.#links) server?.pause();
  }

  /** Nothing of what clients send reaches servers any more; what servers send goes on. */
  mute(): void {
    for (const { client } of this.#links) client.removeAllListeners('data').resume();
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const { client, server } of this.#links) {
      client.resume();
      server?.resume();
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    this.cut();
    this.isOffline = false;
    await closed;
  }

  #choose(share: number, act: (link: Link) => void): number {
    let chosen = 0;
    for (const link of [...this.#links]) {
      if (share < 1 && Math.random() >= share) continue;
      act(link);
      chosen += 1;
    }
    return chosen;
  }

  async #accept(client: Socket): Promise<void> {
    this.openedMs.push(performance.now());
    client.setNoDelay(true);
    // An end that nobody expected is what this is for.
    client.on('error', () => undefined);
    const link: Link = { client, server: undefined };
    this.#links.add(link);
    client.pause();
    if (this.#isOffline) await new Promise<void>((resolve) => this.#held.push(resolve));
    for (let tries = 0; tries < this.servers.length && link.server === undefined; tries += 1) {
      this.#turn += 1;
      link.server = await reach(this.servers[this.#turn % this.servers.length] ?? 0);
    }
    const { server } = link;
    if (server === undefined || client.destroyed) {
      client.destroy();
      server?.destroy();
      this.#links.delete(link);
      return;
    }
    this.#pipe(link, client, server);
    this.#pipe(link, server, client);
    if (this.#isFrozen) server.pause();
    else client.resume();
  }

  #pipe(link: Link, from: Socket, to: Socket): void {
    let last = Promise.resolve();
    from.on('data', (bytes) => {
      if (this.delayMs === 0) {
        // A receiver that does not read holds its sender back, as a network does.
        if (to.write(bytes)) return;
        from.pause();
        to.once('drain', () => {
          if (!this.#isFrozen) from.resume();
        });
        return;
      }
      const arrival = pause(this.delayMs);
      last = last.then(() => arrival).then(() => void to.write(bytes));
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#links.delete(link);
      void last.then(() => to.destroy());
    });
  }
}

function reach(server: number | Address): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({
      ...(typeof server === 'number' ? { host: '127.0.0.1', port: server } : server),
      noDelay: true,
    });
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}
