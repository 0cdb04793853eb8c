import type { Position } from './position.ts';

/** What moves between nodes: an encoded frame for a topic's subscribers. Never a secret. */
export interface BrokerMessage {
  readonly topic: string;
  /** The WebSocket text frame, encoded once. */
  readonly frame: string;
  /** The connection to leave out, wherever it is; unknown ids are fine. */
  readonly exceptSocketId?: string | undefined;
  /** Keep the frame as the topic's last event for this long. (Channels docs: cache channels) */
  readonly cacheSeconds?: number | undefined;
  /** An event of the application, which is logged if its topic is: nothing that only tells the present state. */
  readonly durable?: boolean | undefined;
  /**
   * Log it whether or not anyone keeps the topic's log, and keep the log for so long. (core/contracts/channel-log.ts)
   */
  readonly logSeconds?: number | undefined;
  /** Accepted once, however often it is published on the topic within an hour: a repetition resolves as well. */
  readonly onceId?: string | undefined;
  /** Tells a change of members, or of who is online: a joiner finds it in what it is told on joining. */
  readonly memberChange?: boolean | undefined;
  /** Where in its log the message stands; set by the broker. */
  readonly position?: Position | undefined;
  /** The offset of the message before it in the log; one less than its own if it is left out. */
  readonly previous?: number | undefined;
}

/** A cache channel's last event, and for how many seconds more it will be kept. */
export interface CachedFrame {
  readonly frame: string;
  readonly ttlSeconds: number;
}

/** Takes a message to this node's subscribers; must not throw. */
export type Deliver = (message: BrokerMessage) => void;

/** Thrown if the state shared by all nodes cannot be reached; callers answer 503 or wait. */
export class BrokerUnavailable extends Error {
  override readonly name = 'BrokerUnavailable';
  readonly code = 'broker_unavailable';
}

/**
 * Moves encoded frames to every node that has subscribers of a topic, this one included: a node's own subscribers are
 * served by `deliver` too, so that there is one path and one order.
 */
export interface Broker {
  /** `restored` is called when messages may have been missed, and arrive again. */
  start(deliver: Deliver, restored: () => void): Promise<void>;
  /** Once it resolves, whatever is published on the topic arrives at `deliver`, in the same order on every node. */
  subscribe(topic: string): Promise<void>;
  unsubscribe(topic: string): Promise<void>;
  /** Resolves once the broker has accepted the messages, which keep their order; rejects with BrokerUnavailable. */
  publish(messages: readonly BrokerMessage[]): Promise<void>;
  /** The last event that was published with `cacheSeconds`, while it is kept. */
  cached(topic: string): Promise<CachedFrame | undefined>;
  /** Whether a publish could be accepted now: what `/ready` tells. */
  isReady(): boolean;
  close(): Promise<void>;
}
