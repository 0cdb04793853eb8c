import type { Connection, Subscription } from '../connection/connection.ts';
import type { Resumable } from '../connection/resumable.ts';
import type { RewindRule } from '../contracts/app.ts';
import type { ChannelLog, LoggedMessage } from '../contracts/channel-log.ts';
import type { Metrics } from '../contracts/metrics.ts';
import type { Position } from '../contracts/position.ts';
import { frameWithId } from '../delivery/event-id.ts';
import type { LoggedTopics, Recording } from '../delivery/logged-topics.ts';
import { encodeNotRecovered, encodeRecovered } from '../delivery/resumed-event.ts';
import { rewindRuleOf } from '../delivery/rewind.ts';
import type { Resume } from './resume.ts';

/** What a joiner is to be sent of a channel's past: read, but not yet sent. */
export interface Prepared {
  readonly resumable: Resumable | undefined;
  /** Where the client stood, where that is known. */
  readonly from: Position | undefined;
  /** The log reaches back to `from`. */
  readonly recovered: boolean;
  readonly read: readonly LoggedMessage[];
  /** What is published during the join follows on what was read; without a past there is nothing to follow on. */
  readonly continues: boolean;
  readonly recording: Recording;
}

export interface Replayed {
  /** Sent after the subscription's success, in this order. */
  readonly frames: readonly string[];
  readonly events: readonly LoggedMessage[];
  /** The client has now all that it missed, a cache channel's last event included. */
  readonly recovered: boolean;
}

/** A channel's past for those who join it: what a resumable client missed, and what an app rewinds to. */
export class Replay {
  readonly #log: ChannelLog;
  readonly #logged: LoggedTopics;
  readonly #resume: Resume;
  readonly #metrics: Metrics;

  constructor(log: ChannelLog, logged: LoggedTopics, resume: Resume, metrics: Metrics) {
    this.#log = log;
    this.#logged = logged;
    this.#resume = resume;
    this.#metrics = metrics;
  }

  /** Undefined where the joiner gets nothing of the past. The topic must be subscribed at the broker. */
  async prepare(connection: Connection, subscription: Subscription): Promise<Prepared | undefined> {
    const { channel, topic } = subscription;
    const resumable = connection.resumable?.superseded === false ? connection.resumable : undefined;
    const rewind = rewindRuleOf(connection.app, channel);
    if (resumable === undefined && rewind === undefined) return undefined;
    // One replay fits into what may wait for a socket; several at once need not. Only then is it read: a slow reader's
    // would grow meanwhile.
    await connection.socket.drained();
    const recording = await this.#logged.beginJoin(topic);
    try {
      const from = resumable?.awaited.get(channel);
      const missed = from === undefined ? undefined : await this.#log.since(topic, from);
      const read = missed ?? (await this.#rewound(topic, rewind));
      const recovered = missed !== undefined;
      const end = read.at(-1)?.position ?? (recovered ? from : undefined);
      if (end !== undefined) await this.#logged.caughtUp(topic, end);
      return { resumable, from, recovered, read, continues: recovered || rewind !== undefined, recording };
    } catch (error) {
      this.#logged.abandonJoin(topic, recording);
      throw error;
    }
  }

  /** The subscription came to nothing. */
  abandon(subscription: Subscription, prepared: Prepared): void {
    this.#logged.abandonJoin(subscription.topic, prepared.recording);
  }

  /** To be called, and its frames sent, in the same step in which the socket joins the topic. */
  complete(connection: Connection, subscription: Subscription, prepared: Prepared): Replayed {
    const { channel, topic } = subscription;
    const { resumable, from, read, continues, recording } = prepared;
    const past = this.#logged.endJoin(topic, recording, read, prepared.recovered ? from : undefined);
    const recovered = prepared.recovered && past !== undefined;
    const replay = continues && past !== undefined ? past : [];
    // What the client published itself, under any of its socket ids, it was not sent the first time either.
    const own = new Set(resumable?.socketIds ?? []);
    const events = replay.filter(({ exceptSocketId }) => exceptSocketId === undefined || !own.has(exceptSocketId));
    const frames = events.map(frameWithId);
    this.#metrics.eventsReplayed += frames.length;
    if (resumable === undefined) return { frames, events, recovered: false };
    this.#resume.joined(connection, resumable, subscription, from ?? before(replay[0]));
    const outcome = recovered ? 'recovered' : from === undefined ? 'unknown' : 'gap';
    this.#metrics.resumes.add(outcome);
    const head =
      outcome === 'recovered' ? encodeRecovered(channel, frames.length) : encodeNotRecovered(channel, outcome);
    return { frames: [head, ...frames], events, recovered };
  }

  async #rewound(topic: string, rule: RewindRule | undefined): Promise<readonly LoggedMessage[]> {
    return rule === undefined ? [] : await this.#log.recent(topic, rule.events, rule.seconds);
  }
}

/** The place right before a message. */
function before(message: LoggedMessage | undefined): Position | undefined {
  if (message === undefined) return undefined;
  const { epoch, offset } = message.position;
  return { epoch, offset: offset - 1 };
}
