import type { BrokerMessage } from './broker.ts';
import type { Logger } from './logger.ts';
import type { Transport } from './transport.ts';

/** Takes what the broker delivers to this node: the only way an event reaches a socket. */
export class Delivery {
  readonly #transports: Transport[] = [];
  readonly #listeners = new Map<string, (frame: string) => void>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  addTransport(transport: Transport): void {
    this.#transports.push(transport);
  }

  /** Hands a topic's frames to the server itself rather than to sockets: orders from other nodes. */
  listen(topic: string, listener: (frame: string) => void): void {
    this.#listeners.set(topic, listener);
  }

  unlisten(topic: string): void {
    this.#listeners.delete(topic);
  }

  readonly deliver = (message: BrokerMessage): void => {
    try {
      const listener = this.#listeners.size === 0 ? undefined : this.#listeners.get(message.topic);
      if (listener !== undefined) {
        listener(message.frame);
        return;
      }
      for (const transport of this.#transports) {
        transport.publish(message.topic, message.frame, message.exceptSocketId);
      }
    } catch (error) {
      // One topic's trouble must not reach the broker's connection, which carries all the others.
      this.#logger.error({ err: error, topic: message.topic }, 'a message could not be delivered');
    }
  };
}
