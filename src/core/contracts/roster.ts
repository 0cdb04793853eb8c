/** A presence member as its channel sees it: `info` is the JSON of `user_info`, undefined if none was given. */
export interface Member {
  readonly userId: string;
  readonly info: string | undefined;
}

export interface RosterEntry {
  readonly topic: string;
  readonly socketId: string;
  /** Presence channels only. */
  readonly member?: Member | undefined;
  /** Presence channels only: the most members it may have; a user that is in already is never refused. */
  readonly maxMembers?: number | undefined;
}

export type Entered =
  | {
      readonly outcome: 'entered';
      /** Subscriptions of the channel in the whole cluster, this one included. */
      readonly subscriptionCount: number;
      /** Presence: everyone in the channel, the joiner included; otherwise empty. */
      readonly members: readonly Member[];
    }
  | { readonly outcome: 'full' };

export interface ChannelCounts {
  readonly subscriptionCount: number;
  /** Distinct members; 0 unless it is a presence channel. */
  readonly userCount: number;
}

/**
 * Who is where, in the whole cluster. Every call is atomic and idempotent: entering twice with one socket id is one
 * entry.
 *
 * What a change means to others is published by the roster itself, in the same step as the change, so that it is told
 * exactly once and in the order of the changes: `member_added` and `member_removed` on the channel's topic, and
 * `watchlist_events` on the user's watch topic (core/contracts/topic.ts).
 *
 * Calls reject with BrokerUnavailable if the shared state cannot be reached.
 */
export interface Roster {
  /**
   * The topic must be subscribed at the broker before. `admit` is called once, when the entry has taken effect and
   * this node has been delivered every change of members that its list has, and none that it lacks: a socket that
   * joins the topic inside of it is never told of itself and misses no change. Resolves after `admit` has returned;
   * rejects without having called it.
   */
  enter(entry: RosterEntry, admit: (entered: Entered) => void): Promise<void>;
  /** Gives the subscriptions that are left in the whole cluster. */
  leave(topic: string, socketId: string): Promise<number>;

  /** Records a signed-in connection: a user is online from the first one anywhere to the last. */
  signIn(appId: string, userId: string, socketId: string): Promise<void>;
  signOut(appId: string, userId: string, socketId: string): Promise<void>;
  /** Those of the ids that have a signed-in connection. */
  online(appId: string, userIds: readonly string[]): Promise<string[]>;

  /** The occupied channels of an app whose name begins with `prefix`. */
  channels(appId: string, prefix: string): Promise<Map<string, ChannelCounts>>;
  /** Counts of the given topics, in their order; zeros if nobody is there. */
  counts(topics: readonly string[]): Promise<ChannelCounts[]>;
  /** The distinct user ids of a presence channel. */
  userIds(topic: string): Promise<string[]>;

  close(): Promise<void>;
}
