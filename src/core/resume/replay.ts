import type { Connection, Subscription } from '../connection/connection.ts';
import type { Resumable } from '../connection/resumable.ts';
import type { RewindRule } from '../contracts/app.ts';
import type { BrokerMessage } from '../contracts/broker.ts';
import { type ChannelLog, isLogged, type LoggedMessage } from '../contracts/channel-log.ts';
import type { Metrics } from '../contracts/metrics.ts';
import type { Position } from '../contracts/position.ts';
import type { LoggedTopics } from '../delivery/logged-topics.ts';
import type { Recording } from '../delivery/recorder.ts';
import { encodeNotRecovered, encodeRecovered } from '../delivery/resumed-event.ts';
import { rewindRuleOf } from '../delivery/rewind.ts';
import { ReplayAllowances } from './replay-allowances.ts';
import type { Resume } from './resume.ts';

/** What a joiner is to be sent of a channel's past: read, but not yet sent. */
export interface Past {
  readonly resumable: Resumable | undefined;
  /** Where the client stood, if that is known. */
  readonly from: Position | undefined;
  /** The log reaches back to `from`. */
  readonly recovered: boolean;
  /** Empty if there is nothing that what is recorded follows on. */
  readonly read: readonly LoggedMessage[];
}

export interface Replayed {
  /** Word of what could be recovered, for a resumable client. */
  readonly head: string | undefined;
  /** What a joiner is sent before anything reaches it by itself, in order. */
  readonly messages: readonly BrokerMessage[];
  /** The client has now all that it missed, a cache channel's last event included. */
  readonly recovered: boolean;
}

/** A channel's past for those who join it: what a resumable client missed, and what an app rewinds to. */
export class Replay {
  readonly #log: ChannelLog;
  readonly #logged: LoggedTopics;
  readonly #resume: Resume;
  readonly #metrics: Metrics;
  readonly #allowances = new ReplayAllowances();

  constructor(log: ChannelLog, logged: LoggedTopics, resume: Resume, metrics: Metrics) {
    this.#log = log;
    this.#logged = logged;
    this.#resume = resume;
    this.#metrics = metrics;
  }

  /** Resolves when a client's join of a channel may begin, of whose past it is sent something; undefined: at once. */
  turn({ app, ip, resumable }: Connection, channel: string): Promise<void> | undefined {
    const isSentPast = resumable?.awaited.has(channel) === true || rewindRuleOf(app, channel) !== undefined;
    return isSentPast ? this.#allowances.turn(ip, Date.now()) : undefined;
  }

  /**
   * Reads the past; undefined if the joiner gets nothing of it. The topic must be subscribed at the broker, and
   * recorded.
   */
  async prepare(connection: Connection, subscription: Subscription): Promise<Past | undefined> {
    const { channel, topic } = subscription;
    const resumable = connection.resumable?.superseded === false ? connection.resumable : undefined;
    const rewind = rewindRuleOf(connection.app, channel);
    if (resumable === undefined && rewind === undefined) return undefined;
    // One replay fits into what may wait for a socket; several at once need not. Only then is it read: a slow reader's
    // would grow meanwhile.
    await connection.socket.drained();
    const from = resumable?.awaited.get(channel);
    if (from === undefined) await this.#logged.ready(topic);
    const missed = from === undefined ? undefined : await this.#missed(topic, from);
    const read = missed ?? (await this.#rewound(topic, rewind));
    const recovered = missed !== undefined;
    const end = read.at(-1)?.position ?? (recovered ? from : undefined);
    if (end !== undefined) await this.#logged.caughtUp(topic, end);
    return { resumable, from, recovered, read };
  }

  /**
   * What the joiner is sent: its past, and what was recorded during the join. To be called, and its messages sent, in
   * the same step in which the socket joins the topic.
   */
  complete(connection: Connection, subscription: Subscription, past: Past | undefined, recording: Recording): Replayed {
    const { channel, topic } = subscription;
    const recorded = recording.messages().filter(({ memberChange }) => memberChange !== true);
    if (past === undefined) {
      const messages = exceptOwn(recorded, [connection.socketId]);
      return { head: this.#headOfPlain(connection, channel), messages, recovered: false };
    }
    const { resumable, from } = past;
    const at = this.#logged.position(topic);
    const isWhole = at !== undefined && !recording.hasLost;
    const recovered = past.recovered && isWhole;
    const ordered = inOrder(isWhole ? [...past.read, ...recorded] : recorded, at, recovered ? from : undefined);
    // What the client published itself, under any of its socket ids, it was not sent the first time either.
    const messages = exceptOwn(ordered, resumable?.socketIds ?? [connection.socketId]);
    const events = messages.filter(isLogged).length;
    this.#metrics.eventsReplayed += events;
    if (events > 0) this.#allowances.sent(connection.ip, charactersOf(messages), Date.now());
    if (resumable === undefined) {
      return { head: this.#headOfPlain(connection, channel), messages, recovered: false };
    }
    this.#resume.joined(connection, resumable, subscription, from ?? before(ordered.find(isLogged)?.position));
    const outcome = recovered ? 'recovered' : from === undefined ? 'unknown' : 'gap';
    this.#metrics.resumes.add(outcome);
    const head = outcome === 'recovered' ? encodeRecovered(channel, events) : encodeNotRecovered(channel, outcome);
    return { head, messages, recovered };
  }

  /** One that asked to resume and cannot, for its token is another page's too, is told so. */
  #headOfPlain({ resumable }: Connection, channel: string): string | undefined {
    if (resumable?.superseded !== true) return undefined;
    this.#metrics.resumes.add('shared');
    return encodeNotRecovered(channel, 'shared');
  }

  /**
   * What came after a position; undefined if the log does not reach back. It is read while the log is asked to go on,
   * and once more if that read came first: the node may have begun at a later place, and what lies between would be
   * missed.
   */
  async #missed(topic: string, from: Position): Promise<readonly LoggedMessage[] | undefined> {
    const ready = this.#logged.ready(topic).then(() => this.#logged.position(topic));
    const [at, read] = await Promise.all([ready, this.#log.since(topic, from)]);
    if (read === undefined) return undefined;
    const end = read.at(-1)?.position ?? from;
    const reaches = at !== undefined && end.epoch === at.epoch && end.offset >= at.offset;
    return reaches ? read : await this.#log.since(topic, from);
  }

  async #rewound(topic: string, rule: RewindRule | undefined): Promise<readonly LoggedMessage[]> {
    return rule === undefined ? [] : await this.#log.recent(topic, rule.events, rule.seconds);
  }
}

/**
 * Messages that come after `from`, each once, and none that the node itself has not delivered yet: those reach the
 * socket by themselves once it has joined. What is not logged has no place, and stays where it was.
 *
 * @param at where the node stands; undefined if it does not know
 * @param from where the joiner stands; undefined if it has nothing yet
 */
function inOrder(
  messages: readonly BrokerMessage[],
  at: Position | undefined,
  from: Position | undefined,
): readonly BrokerMessage[] {
  if (at === undefined) return messages;
  let last = from?.epoch === at.epoch ? from.offset : -1;
  return messages.filter(({ position }) => {
    if (position === undefined) return true;
    if (position.epoch !== at.epoch || position.offset <= last || position.offset > at.offset) return false;
    last = position.offset;
    return true;
  });
}

function exceptOwn(messages: readonly BrokerMessage[], socketIds: readonly string[]): readonly BrokerMessage[] {
  return messages.filter(({ exceptSocketId }) => exceptSocketId === undefined || !socketIds.includes(exceptSocketId));
}

function charactersOf(messages: readonly BrokerMessage[]): number {
  return messages.reduce((sum, { frame }) => sum + frame.length, 0);
}

/** The place right before another. */
function before(position: Position | undefined): Position | undefined {
  return position && { epoch: position.epoch, offset: position.offset - 1 };
}
