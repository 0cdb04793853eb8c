import type { BrokerMessage } from './broker.ts';
import type { Position } from './position.ts';

export interface LoggedMessage extends BrokerMessage {
  readonly position: Position;
}

export function isLogged(message: BrokerMessage): message is LoggedMessage {
  return message.position !== undefined;
}

/** By which a node notices that it has missed a message. */
export function previousOffset(message: LoggedMessage): number {
  return message.previous ?? message.position.offset - 1;
}

/** How much of a channel's past is kept: whatever bound is met first. */
export interface LogBounds {
  readonly maxEvents: number;
  /** For all frames together. */
  readonly maxBytes: number;
  readonly maxAgeSeconds: number;
}

/** A part of a log. */
export interface LogPage {
  readonly messages: readonly LoggedMessage[];
  /** The position of the log's last event, or of its beginning if it has none. */
  readonly end: Position;
  /** Whether the log has every event since the position that was asked for; true if none was. */
  readonly reachesBack: boolean;
}

/**
 * The recent events of channels, with positions that are the same on every node: what resuming and rewinding read. A
 * channel is logged only while somebody keeps its log, so that the others cost nothing.
 *
 * While a topic is logged, its durable messages are delivered with their position. Calls reject with
 * BrokerUnavailable.
 */
export interface ChannelLog {
  /**
   * Logs the topic from now on, and for the bounds' age after the last such call. Then delivers a marker, a message
   * with an empty frame at the log's end, to every node that has subscribed to the topic, this one included: by it a
   * node knows where in the log it stands, and that it missed something where it stands elsewhere.
   */
  keep(topic: string): Promise<void>;
  /** What came after a position, in order; undefined if the log does not reach back so far. */
  since(topic: string, position: Position): Promise<readonly LoggedMessage[] | undefined>;
  /** The last events, oldest first: at most so many, none older than so many seconds. */
  recent(topic: string, maxEvents: number, maxAgeSeconds: number): Promise<readonly LoggedMessage[]>;
}

/** The same logs, for whoever reads them bit by bit. Calls reject with BrokerUnavailable. */
export interface ChannelHistory {
  /**
   * Some events at a time, oldest first: those after a position if the log reaches back to it, otherwise the first that
   * it has; without a position the last ones. Undefined if the topic is not logged.
   */
  page(topic: string, after: Position | undefined, maxEvents: number): Promise<LogPage | undefined>;
}

/** A marker carries a position and nothing for clients. */
export function isMarker(message: BrokerMessage): boolean {
  return message.frame === '';
}
