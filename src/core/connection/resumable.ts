import type { Position } from '../contracts/position.ts';

/** A channel that a resumable connection is subscribed to. */
export interface JoinedChannel {
  readonly topic: string;
  /** Where the node stood when the socket joined. */
  readonly joinedAt: Position;
  /** Until this count is acknowledged, the client may not have received what was replayed to it… */
  readonly joinedCount: number;
  /** …and still stands here. */
  readonly resumedFrom: Position;
}

/** After this, a connection is sent nothing any more. */
export interface LastSent {
  /** The node's count of deliveries. */
  readonly count: number;
  /** Where the node stood then, by topic, if it was asked at that moment. */
  readonly positions: ReadonlyMap<string, Position>;
}

/** What is kept for a connection whose path names a session. */
export interface Resumable {
  /** A digest of the client's token. */
  readonly session: string;
  /** The socket ids that the session has had, the present one last. */
  socketIds: readonly string[];
  /** Where the client stands on channels of the session that it has not subscribed to again yet. */
  readonly awaited: Map<string, Position>;
  readonly joined: Map<string, JoinedChannel>;
  /** The node's delivery count in the last ping, and in the last one that was answered. */
  pingedCount: number;
  /** When that ping was sent. */
  pingedMs: number;
  /** The node's delivery count when it was last looked at whether to ask. */
  attendedCount: number;
  /** It is to be asked with the next delivery on this topic. */
  dueTopic: string | undefined;
  /** What a connection that is about to be closed was sent last. */
  last: LastSent | undefined;
  acknowledgedCount: number;
  /** An acknowledgement that the connection has outlived, and a later one that it may yet outlive. */
  provenCount: number;
  unproven: { readonly count: number; readonly atMs: number };
  /** Another connection has taken the session over, or two pages share it: this one goes on as a plain one. */
  superseded: boolean;
  savedCount: number;
  savedMs: number;
}
