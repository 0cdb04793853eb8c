import { dataObject } from '../../protocol/frames.ts';
import type { Connection } from '../connection/connection.ts';
import type { Broker } from '../contracts/broker.ts';
import { appIdOf, tokenOrdersTopic } from '../contracts/topic.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { LocalTopics } from '../delivery/local-topics.ts';

/** This node's connections by the tokens that they were authorized with, and the orders about those from any node. */
export class LocalTokens {
  readonly #broker: Broker;
  readonly #topics: LocalTopics;
  readonly #delivery: Delivery;
  readonly #revoked: (connection: Connection) => void;
  /** By app, then by the token's id. */
  readonly #connections = new Map<string, Map<string, Set<Connection>>>();

  constructor(broker: Broker, topics: LocalTopics, delivery: Delivery, revoked: (connection: Connection) => void) {
    this.#broker = broker;
    this.#topics = topics;
    this.#delivery = delivery;
    this.#revoked = revoked;
  }

  /** From now on an order about the token finds the connection. */
  async add(connection: Connection, tokenId: string): Promise<void> {
    const appId = connection.app.id;
    await this.#topics.acquire(tokenOrdersTopic(appId));
    this.#of(appId, tokenId).add(connection);
  }

  /** An order about the token no longer finds the connection, which was added for it. */
  async remove(connection: Connection, tokenId: string): Promise<void> {
    const appId = connection.app.id;
    const tokens = this.#connections.get(appId);
    const known = tokens?.get(tokenId);
    known?.delete(connection);
    if (known?.size === 0) tokens?.delete(tokenId);
    if (tokens?.size === 0) {
      this.#connections.delete(appId);
      this.#delivery.unlisten(tokenOrdersTopic(appId));
    }
    await this.#topics.release(tokenOrdersTopic(appId));
  }

  async removeAll(connection: Connection): Promise<void> {
    for (const { tokenId } of connection.tokens.values()) {
      if (tokenId !== undefined) await this.remove(connection, tokenId);
    }
    connection.tokens.clear();
  }

  /** Tells every node; resolves once the broker has accepted the order. */
  async revoke(appId: string, tokenId: string): Promise<void> {
    await this.#broker.publish([{ topic: tokenOrdersTopic(appId), frame: JSON.stringify({ revoked: tokenId }) }]);
  }

  #of(appId: string, tokenId: string): Set<Connection> {
    let tokens = this.#connections.get(appId);
    if (tokens === undefined) {
      tokens = new Map();
      this.#connections.set(appId, tokens);
      const topic = tokenOrdersTopic(appId);
      this.#delivery.listen(topic, (frame) => this.#obey(topic, frame));
    }
    const known = tokens.get(tokenId) ?? new Set();
    tokens.set(tokenId, known);
    return known;
  }

  #obey(topic: string, frame: string): void {
    const tokenId = dataObject(frame)?.revoked;
    if (typeof tokenId !== 'string') return;
    // Closing changes the set that is being walked.
    for (const connection of [...(this.#connections.get(appIdOf(topic))?.get(tokenId) ?? [])]) {
      this.#revoked(connection);
    }
  }
}
