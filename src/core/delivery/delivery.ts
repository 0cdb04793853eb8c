import type { BrokerMessage } from '../contracts/broker.ts';
import { type ChannelLog, isLogged } from '../contracts/channel-log.ts';
import type { Logger } from '../contracts/logger.ts';
import { createMetrics, type Metrics } from '../contracts/metrics.ts';
import { channelOf, resumableTopic } from '../contracts/topic.ts';
import type { Transport } from '../contracts/transport.ts';
import { frameWithId } from './event-id.ts';
import { EventWatch } from './event-watch.ts';
import { LatencySamples } from './latency-samples.ts';
import { LoggedTopics } from './logged-topics.ts';
import { Recorder, type Recording } from './recorder.ts';
import { encodeNotRecovered } from './resumed-event.ts';

/** Takes what the broker delivers to this node: the only way an event reaches a socket. */
export class Delivery {
  /** What is known of the topics that are logged. */
  readonly logged: LoggedTopics;
  readonly #recorder = new Recorder();
  readonly #transports: Transport[] = [];
  #published: (topic: string) => void = () => undefined;
  readonly #listeners = new Map<string, (frame: string) => void>();
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  readonly samples: LatencySamples;
  readonly watch = new EventWatch();

  constructor(log: ChannelLog, logger: Logger, metrics: Metrics = createMetrics()) {
    this.#logger = logger;
    this.#metrics = metrics;
    this.samples = new LatencySamples(metrics.deliveryLatency);
    this.logged = new LoggedTopics({
      log,
      logger,
      publish: (message) => this.#publish(message),
      lost: (topic) => this.#lost(topic),
    });
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

  /** Calls back whenever a topic's sockets have been sent something, before anything else happens. */
  afterPublish(listener: (topic: string) => void): void {
    this.#published = listener;
  }

  /** Records what a topic's sockets are sent from now on, until it is stopped: for one that is about to join. */
  record(topic: string): Recording {
    return this.#recorder.begin(topic);
  }

  readonly deliver = (message: BrokerMessage): void => {
    if (isLogged(message)) {
      this.logged.receive(message);
      return;
    }
    const listener = this.#listeners.size === 0 ? undefined : this.#listeners.get(message.topic);
    if (listener === undefined) {
      this.#publish(message);
      return;
    }
    try {
      listener(message.frame);
    } catch (error) {
      this.#failed(message.topic, error);
    }
  };

  #publish(message: BrokerMessage): void {
    this.#recorder.add(message);
    const { topic, exceptSocketId } = message;
    const frame = encodeDelivered(message);
    let receivers = 0;
    for (const transport of this.#transports) {
      try {
        receivers += transport.publish(topic, frame, exceptSocketId);
      } catch (error) {
        this.#failed(topic, error);
      }
    }
    this.#published(topic);
    if (this.watch.isWatched) {
      this.watch.saw({ stage: 'delivered', topic, frame: message.frame, exceptSocketId, receivers });
    }
    this.#metrics.deliveries += 1;
    this.samples.delivered(topic, message.frame);
  }

  #lost(topic: string): void {
    this.#recorder.lost(topic);
    this.#publish({ topic: resumableTopic(topic), frame: encodeNotRecovered(channelOf(topic), 'gap') });
  }

  /** One topic's trouble must not reach the broker's connection, which carries all the others, nor a gap's repair. */
  #failed(topic: string, error: unknown): void {
    this.#logger.error({ err: error, topic }, 'a message could not be delivered');
  }
}

/** What a message's sockets are sent: of a logged event, the frame with its id. */
export function encodeDelivered(message: BrokerMessage): string {
  return isLogged(message) ? frameWithId(message) : message.frame;
}
