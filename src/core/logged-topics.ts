import type { BrokerMessage } from './broker.ts';
import { BrokerUnavailable } from './broker.ts';
import { type ChannelLog, isMarker, type LoggedMessage, type Position, previousOffset } from './channel-log.ts';
import { DeliveryHistory } from './delivery-history.ts';
import type { Logger } from './logger.ts';

/** What a node knows of a topic that is logged. */
interface LoggedTopic {
  epoch: string;
  /** The last that this node has delivered. */
  offset: number;
  readonly history: DeliveryHistory;
  /** Messages that wait for a gap before them to be filled; undefined where there is none. */
  waiting: LoggedMessage[] | undefined;
  /** Joins under way, each with what was delivered since it began. */
  readonly recordings: Set<LoggedMessage[]>;
}

export interface LoggedTopicsDependencies {
  readonly log: ChannelLog;
  /** Hands a message to the transports. */
  readonly publish: (message: BrokerMessage) => void;
  /** The topic's subscribers have missed something that the log no longer has. */
  readonly lost: (topic: string) => void;
  readonly logger: Logger;
}

/**
 * Delivers logged messages in the order of their log, each once, and reads what is missing where an offset is left out:
 * Redis may have dropped this node's subscription. Counts what it delivers; the count is what clients acknowledge.
 */
export class LoggedTopics {
  readonly #deps: LoggedTopicsDependencies;
  readonly #topics = new Map<string, LoggedTopic>();
  /** Topics that this node has subscribers of: messages of others still come for a moment after the last has left. */
  readonly #expected = new Set<string>();
  readonly #awaited = new Map<string, Array<() => void>>();
  #count = 0;

  constructor(dependencies: LoggedTopicsDependencies) {
    this.#deps = dependencies;
  }

  /** Messages delivered so far, and replays sent: a number that a later moment never shares with an earlier one's replay. */
  get count(): number {
    return this.#count;
  }

  /** Whether anything was delivered on a topic after a count was taken. */
  hasDeliveredSince(topic: string, count: number): boolean {
    return (this.#topics.get(topic)?.history.lastCount ?? 0) > count;
  }

  receive(message: LoggedMessage): void {
    const { epoch, offset } = message.position;
    const topic = this.#topics.get(message.topic);
    if (topic === undefined) {
      if (this.#expected.has(message.topic)) this.#begin(message);
      return;
    }
    if (topic.waiting !== undefined) {
      topic.waiting.push(message);
      return;
    }
    // A marker stands behind the log's last message, another right behind its previous one.
    const before = isMarker(message) ? offset : previousOffset(message);
    if (epoch === topic.epoch && before <= topic.offset) {
      if (offset > topic.offset) this.#deliver(topic, message);
      return;
    }
    topic.waiting = [message];
    void this.#repair(message.topic, topic);
  }

  /** Reads what came while the broker was away: without a later message, nothing would tell that there was anything. */
  repairAll(): void {
    for (const [name, topic] of this.#topics) {
      if (topic.waiting !== undefined) continue;
      topic.waiting = [];
      void this.#repair(name, topic);
    }
  }

  /** The topic gets a subscriber here. */
  expect(name: string): void {
    this.#expected.add(name);
  }

  /** The topic has no subscriber here any more. */
  forget(name: string): void {
    this.#expected.delete(name);
    this.#topics.delete(name);
  }

  /**
   * Makes sure that the topic is logged and that this node knows where it stands in the log; then begins to record what is
   * delivered, so that a joiner can be given all of it. The topic must be subscribed at the broker.
   */
  async beginJoin(name: string): Promise<LoggedMessage[]> {
    const known = new Promise<void>((resolve) => this.#whenKnown(name, resolve));
    await this.#deps.log.keep(name);
    await known;
    const recording: LoggedMessage[] = [];
    this.#topics.get(name)?.recordings.add(recording);
    return recording;
  }

  /**
   * Ends a join, in the same step in which the socket joins: what of `read` and of the recording this node has delivered
   * already. All that follows reaches the joined socket by itself.
   */
  endJoin(name: string, recording: LoggedMessage[], read: readonly LoggedMessage[]): LoggedMessage[] {
    const topic = this.#topics.get(name);
    if (topic === undefined) return [...read];
    topic.recordings.delete(recording);
    let last = read.at(-1)?.position.offset ?? -1;
    const replay = read.filter(({ position }) => position.epoch === topic.epoch && position.offset <= topic.offset);
    for (const message of recording) {
      if (message.position.epoch !== topic.epoch || message.position.offset <= last) continue;
      last = message.position.offset;
      replay.push(message);
    }
    return replay;
  }

  /** A join that came to nothing. */
  abandonJoin(name: string, recording: LoggedMessage[]): void {
    this.#topics.get(name)?.recordings.delete(recording);
  }

  /** Where this node stands in the topic's log. */
  position(name: string): Position | undefined {
    const topic = this.#topics.get(name);
    return topic === undefined ? undefined : { epoch: topic.epoch, offset: topic.offset };
  }

  /** A new count: for a replay, which is not counted as a delivery but is to be acknowledged like one. */
  nextCount(): number {
    this.#count += 1;
    return this.#count;
  }

  /** Where the node stood when its count was `count`, as far as it is still known. */
  positionAt(name: string, count: number): Position | undefined {
    const topic = this.#topics.get(name);
    const offset = topic?.history.offsetAt(count);
    return topic === undefined || offset === undefined ? undefined : { epoch: topic.epoch, offset };
  }

  #begin(message: LoggedMessage): void {
    const { epoch, offset } = message.position;
    const topic: LoggedTopic = {
      epoch,
      offset: isMarker(message) ? offset : previousOffset(message),
      history: new DeliveryHistory(),
      waiting: undefined,
      recordings: new Set(),
    };
    this.#topics.set(message.topic, topic);
    if (!isMarker(message)) this.#deliver(topic, message);
    for (const resolve of this.#awaited.get(message.topic) ?? []) resolve();
    this.#awaited.delete(message.topic);
  }

  #whenKnown(name: string, resolve: () => void): void {
    if (this.#topics.has(name)) {
      resolve();
      return;
    }
    const awaited = this.#awaited.get(name);
    if (awaited === undefined) this.#awaited.set(name, [resolve]);
    else awaited.push(resolve);
  }

  #deliver(topic: LoggedTopic, message: LoggedMessage): void {
    topic.offset = message.position.offset;
    this.#count += 1;
    topic.history.add(this.#count, topic.offset);
    for (const recording of topic.recordings) recording.push(message);
    this.#deps.publish(message);
  }

  async #repair(name: string, topic: LoggedTopic): Promise<void> {
    const { log, lost, logger } = this.#deps;
    const from = { epoch: topic.epoch, offset: topic.offset };
    let missed: readonly LoggedMessage[] | undefined;
    try {
      missed = await log.since(name, from);
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) logger.error({ err: error, topic: name }, 'reading a gap failed');
      // The next message, or the broker's return, tries again: the node still stands where it stood.
      topic.waiting = undefined;
      return;
    }
    const waiting = topic.waiting ?? [];
    topic.waiting = undefined;
    if (missed === undefined) {
      logger.warn({ topic: name, ...from }, 'a gap in a channel could not be filled');
      topic.history.clear();
      const first = waiting[0];
      if (first !== undefined) {
        topic.epoch = first.position.epoch;
        topic.offset = isMarker(first) ? first.position.offset : previousOffset(first);
      } else {
        // Where the log stands is told by its next message.
        this.#topics.delete(name);
      }
      lost(name);
    } else {
      for (const message of missed) this.#deliver(topic, message);
    }
    for (const message of waiting) this.receive(message);
  }
}
