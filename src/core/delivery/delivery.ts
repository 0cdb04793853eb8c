import type { BrokerMessage } from '../contracts/broker.ts';
import type { ChannelLog, LoggedMessage } from '../contracts/channel-log.ts';
import type { Logger } from '../contracts/logger.ts';
import { createMetrics, type Metrics } from '../contracts/metrics.ts';
import { channelOf, resumableTopic } from '../contracts/topic.ts';
import type { Transport } from '../contracts/transport.ts';
import { frameWithId } from './event-id.ts';
import { EventWatch } from './event-watch.ts';
import { LatencySamples } from './latency-samples.ts';
import { LoggedTopics } from './logged-topics.ts';
import { encodeNotRecovered } from './resumed-event.ts';

export interface DeliveredFrame {
  readonly frame: string;
  readonly exceptSocketId: string | undefined;
}

/** Takes what the broker delivers to this node: the only way an event reaches a socket. */
export class Delivery {
  /** What is known of the topics that are logged. */
  readonly logged: LoggedTopics;
  readonly #transports: Transport[] = [];
  readonly #listeners = new Map<string, (frame: string) => void>();
  readonly #recordings = new Map<string, Set<DeliveredFrame[]>>();
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
      publish: (message) => this.#publish(message.topic, message.frame, message.exceptSocketId, frameWithId(message)),
      lost: (topic) => this.#publish(resumableTopic(topic), encodeNotRecovered(channelOf(topic), 'gap'), undefined),
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

  /** Writes down what a topic's sockets are sent from now on, until `stopRecording`: for one that is about to join. */
  record(topic: string): DeliveredFrame[] {
    const recording: DeliveredFrame[] = [];
    const recordings = this.#recordings.get(topic);
    if (recordings === undefined) this.#recordings.set(topic, new Set([recording]));
    else recordings.add(recording);
    return recording;
  }

  stopRecording(topic: string, recording: DeliveredFrame[]): void {
    const recordings = this.#recordings.get(topic);
    recordings?.delete(recording);
    if (recordings?.size === 0) this.#recordings.delete(topic);
  }

  readonly deliver = (message: BrokerMessage): void => {
    try {
      if (isLogged(message)) {
        this.logged.receive(message);
        return;
      }
      const listener = this.#listeners.size === 0 ? undefined : this.#listeners.get(message.topic);
      if (listener !== undefined) listener(message.frame);
      else this.#publish(message.topic, message.frame, message.exceptSocketId);
    } catch (error) {
      // One topic's trouble must not reach the broker's connection, which carries all the others.
      this.#logger.error({ err: error, topic: message.topic }, 'a message could not be delivered');
    }
  };

  /** @param sent what sockets are sent: with an id, if the event is logged */
  #publish(topic: string, frame: string, exceptSocketId: string | undefined, sent = frame): void {
    if (this.#recordings.size > 0) {
      for (const recording of this.#recordings.get(topic) ?? []) recording.push({ frame, exceptSocketId });
    }
    let receivers = 0;
    for (const transport of this.#transports) receivers += transport.publish(topic, sent, exceptSocketId);
    if (this.watch.isWatched) this.watch.saw({ stage: 'delivered', topic, frame, exceptSocketId, receivers });
    this.#metrics.deliveries += 1;
    this.samples.delivered(topic, frame);
  }
}

function isLogged(message: BrokerMessage): message is LoggedMessage {
  return message.position !== undefined;
}
