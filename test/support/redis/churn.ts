import { setTimeout as pause } from 'node:timers/promises';
import type { ContractNode } from '../contract-cluster.ts';
import { RosterClient } from '../roster-client.ts';
import { reachable } from './reachable.ts';

/** Clients of one node that come to a presence channel and go at random. */
export class Churn {
  readonly clients: RosterClient[];
  #stopped = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(node: ContractNode, topic: string, label: string, count: number) {
    this.clients = Array.from(
      { length: count },
      // Every fifth user has a second connection.
      (_, index) =>
        new RosterClient(node, topic, `${label}.${index}`, `${label}-user${index % 5 === 4 ? index - 1 : index}`),
    );
  }

  start(): void {
    this.#running = Promise.all(this.clients.map((client) => this.#live(client)));
  }

  /** Some stay where they are, in or out. */
  async settle(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  present(): string[] {
    return this.clients.filter(({ joined }) => joined).map(({ member }) => member.userId);
  }

  async #live(client: RosterClient): Promise<void> {
    while (!this.#stopped) {
      await pause(Math.random() * 60);
      if (client.joined) await reachable(() => client.leave());
      else await reachable(() => client.join());
    }
    if (!client.joined && Math.random() < 0.5) await reachable(() => client.join());
  }
}
