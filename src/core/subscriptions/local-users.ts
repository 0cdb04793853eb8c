import type { Connection } from '../connection/connection.ts';
import type { App } from '../contracts/app.ts';
import type { Broker } from '../contracts/broker.ts';
import { userOrdersTopic } from '../contracts/topic.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { LocalTopics } from '../delivery/local-topics.ts';

const TERMINATE = 'terminate';

/**
 * This node's connections by the users that signatures have named, and the orders about them that come from any node.
 * (HTTP API: terminate connections)
 */
export class LocalUsers {
  readonly #broker: Broker;
  readonly #topics: LocalTopics;
  readonly #delivery: Delivery;
  readonly #terminate: (connection: Connection) => void;
  readonly #connections = new Map<string, Set<Connection>>();

  constructor(broker: Broker, topics: LocalTopics, delivery: Delivery, terminate: (connection: Connection) => void) {
    this.#broker = broker;
    this.#topics = topics;
    this.#delivery = delivery;
    this.#terminate = terminate;
  }

  async add(connection: Connection, userId: string): Promise<void> {
    const topic = userOrdersTopic(connection.app.id, userId);
    await this.#topics.acquire(topic);
    connection.userIds.add(userId);
    const known = this.#connections.get(topic);
    if (known !== undefined) {
      known.add(connection);
      return;
    }
    this.#connections.set(topic, new Set([connection]));
    this.#delivery.listen(topic, (frame) => this.#obey(topic, frame));
  }

  async removeAll(connection: Connection): Promise<void> {
    for (const userId of connection.userIds) {
      const topic = userOrdersTopic(connection.app.id, userId);
      const known = this.#connections.get(topic);
      known?.delete(connection);
      if (known?.size === 0) {
        this.#connections.delete(topic);
        this.#delivery.unlisten(topic);
      }
      await this.#topics.release(topic);
    }
    connection.userIds.clear();
  }

  /** Closes the user's connections on every node; resolves once the broker has accepted the order. */
  async terminate(app: App, userId: string): Promise<void> {
    await this.#broker.publish([{ topic: userOrdersTopic(app.id, userId), frame: TERMINATE }]);
  }

  #obey(topic: string, frame: string): void {
    if (frame !== TERMINATE) return;
    // Closing changes the set that is being walked.
    for (const connection of [...(this.#connections.get(topic) ?? [])]) this.#terminate(connection);
  }
}
