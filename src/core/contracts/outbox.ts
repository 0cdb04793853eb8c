/** What may be told of an app. A reader of the outbox says what each means to it. */
export type FactKind =
  | 'channel_occupied'
  | 'channel_vacated'
  | 'member_added'
  | 'member_removed'
  | 'user_online'
  | 'user_offline'
  | 'cache_miss'
  | 'client_event'
  | 'subscription_count';

/** Something that has happened. Never a secret. */
export interface Fact extends NewFact {
  /** No other fact of the deployment has it, and the fact keeps it however often it is given. */
  readonly id: string;
  /** By the clock of the shared state. */
  readonly atMs: number;
  /** What it takes in a node's memory, about. */
  readonly bytes: number;
}

export interface NewFact {
  readonly kind: FactKind;
  readonly appId: string;
  /** Undefined if it is about a user and no channel. */
  readonly channel: string | undefined;
  readonly userId: string | undefined;
  /** What else the kind has to tell, as JSON. */
  readonly detail?: string | undefined;
}

/**
 * Whether anything reads such facts: all others are not written, and cost nothing. `channel` is undefined for a user's.
 */
export type WantsFact = (kind: FactKind, appId: string, channel: string | undefined) => boolean;

export const wantsNothing: WantsFact = () => false;

/** What a fact takes beside its texts, about. */
const OVERHEAD_BYTES = 200;

/** From this length on, a detail is kept as bytes. */
const LONG_DETAIL_CHARACTERS = 4096;

/**
 * A fact as a node keeps it. It may wait for long: so a long detail is kept outside the engine's heap, where no garbage
 * collection copies it, and is made anew each time that it is read.
 */
export function factOf(told: NewFact, id: string, atMs: number): Fact {
  const { kind, appId, channel, userId, detail } = told;
  const fact = { id, atMs, kind, appId, channel, userId, bytes: bytesOf(told) };
  if (detail === undefined || detail.length < LONG_DETAIL_CHARACTERS) return { ...fact, detail };
  const kept = Buffer.from(detail);
  return {
    ...fact,
    get detail() {
      return kept.toString();
    },
  };
}

function bytesOf({ appId, channel = '', userId = '', detail = '' }: NewFact): number {
  return OVERHEAD_BYTES + 2 * (appId.length + channel.length + userId.length + detail.length);
}

/**
 * Keeps what has happened until it has been told. The roster writes who came and who went in the same step in which it
 * makes it so, so that no node's death comes between the two.
 *
 * Facts of one channel or user are given in their order. What is not told is bounded in number, bytes and time: beyond
 * that the oldest facts are dropped, and the log says how many. Calls reject with BrokerUnavailable.
 */
export interface Outbox {
  /** Whether other nodes, or the next one, tell what this node leaves. */
  readonly outlivesNode: boolean;
  readonly wants: WantsFact;
  /** Keeps facts that only this node knows of, those that are wanted. */
  write(facts: readonly NewFact[]): Promise<void>;
  /** What waits now, in all of it; for whoever watches, so that it costs little. */
  backlog(): Promise<OutboxBacklog>;
  /** This node's end of a reader. Readers of different names each get every fact. */
  reader(name: string): OutboxReader;
}

/** Facts that some reader is not done with, those under way included. */
export interface OutboxBacklog {
  readonly facts: number;
  /** How long the oldest has waited; 0 if there is none. */
  readonly oldestSeconds: number;
}

/** A read that gives fewer facts has given all that there were. */
export const PAGE_FACTS = 20;

/** A reader has an end on each node. One of them gets a fact, and with it all facts of the same channel or user. */
export interface OutboxReader {
  /** Facts that are now this node's to tell, some of them at most; none if there are none now. */
  next(): Promise<readonly Fact[]>;
  /** They have been told, or never will be. Those that are not done when this node dies are given to another node. */
  done(facts: readonly Fact[]): Promise<void>;
  /** False once another node may be given the fact, after this one was paused or cut off: leave it to that one. */
  holds(fact: Fact): boolean;
  /** Leaves what is not done to the other nodes. */
  close(): Promise<void>;
}
