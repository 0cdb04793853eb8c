import { dataObject } from '../../protocol/frames.ts';
import type { Connection } from '../connection/connection.ts';
import type { App } from '../contracts/app.ts';
import type { Broker } from '../contracts/broker.ts';
import { userOrdersTopic } from '../contracts/topic.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { LocalTopics } from '../delivery/local-topics.ts';

const TERMINATE = 'terminate';
const RENEW = 'renew';

/** The orders that an application gives about a user's connections. */
export interface UserOrders {
  terminate(connection: Connection): void;
  /** The tokens that it was authorized with were revoked. */
  renew(connection: Connection): void;
  /** @param userId whose subscription it must be, if the channel has members */
  unsubscribe(connection: Connection, channel: string, userId: string): void;
}

/**
 * This node's connections by the users that signatures have named, and the orders about them that come from any node.
 * (HTTP API: terminate connections)
 */
export class LocalUsers {
  readonly #broker: Broker;
  readonly #topics: LocalTopics;
  readonly #delivery: Delivery;
  readonly #orders: UserOrders;
  readonly #connections = new Map<string, Set<Connection>>();

  constructor(broker: Broker, topics: LocalTopics, delivery: Delivery, orders: UserOrders) {
    this.#broker = broker;
    this.#topics = topics;
    this.#delivery = delivery;
    this.#orders = orders;
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
    this.#delivery.listen(topic, (frame) => this.#obey(topic, userId, frame));
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

  /** Closes them so that they authorize anew; resolves as `terminate` does. */
  async renew(app: App, userId: string): Promise<void> {
    await this.#broker.publish([{ topic: userOrdersTopic(app.id, userId), frame: RENEW }]);
  }

  /** Takes the user's connections out of channels, on every node; resolves as `terminate` does. */
  async unsubscribe(app: App, userId: string, channels: readonly string[]): Promise<void> {
    const frame = JSON.stringify({ unsubscribe: channels });
    await this.#broker.publish([{ topic: userOrdersTopic(app.id, userId), frame }]);
  }

  #obey(topic: string, userId: string, frame: string): void {
    // Closing changes the set that is being walked.
    const connections = [...(this.#connections.get(topic) ?? [])];
    if (frame === TERMINATE) {
      for (const connection of connections) this.#orders.terminate(connection);
      return;
    }
    if (frame === RENEW) {
      for (const connection of connections) this.#orders.renew(connection);
      return;
    }
    const channels = dataObject(frame)?.unsubscribe;
    // Another release's order.
    if (!Array.isArray(channels)) return;
    for (const channel of channels) {
      for (const connection of connections) this.#orders.unsubscribe(connection, String(channel), userId);
    }
  }
}
