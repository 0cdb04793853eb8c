import { setTimeout as delay } from 'node:timers/promises';
import { BrokerUnavailable } from '../contracts/broker.ts';
import { type ChannelLog, isMarker, type LoggedMessage, previousOffset } from '../contracts/channel-log.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Position } from '../contracts/position.ts';
import { DeliveryHistory } from './delivery-history.ts';

/** What is delivered on a topic while somebody is about to join it. */
export interface Recording {
  readonly messages: LoggedMessage[];
  /** Something was missed meanwhile that the log no longer has. */
  broken: boolean;
}

/** What a node knows of a topic that is logged. */
interface LoggedTopic {
  /** Empty while the node does not know where it stands: the topic's next message tells. */
  epoch: string;
  /** The last that this node has delivered. */
  offset: number;
  readonly history: DeliveryHistory;
  /** Messages that wait for a gap before them to be filled; undefined where there is none. */
  waiting: LoggedMessage[] | undefined;
  readonly recordings: Set<Recording>;
}

/** How long a join waits for this node to be where the log is, before it begins anew. */
const CATCH_UP_MS = 3000;
const RETRY_MS = 500;
const KEPT_LATELY_MS = 1000;

export interface LoggedTopicsDependencies {
  readonly log: ChannelLog;
  /** Hands a message to the transports. */
  readonly publish: (message: LoggedMessage) => void;
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
  /** What to call when a topic's place has changed: joins wait for it. */
  readonly #watchers = new Map<string, Set<() => void>>();
  /** When a topic's log was last asked for by a join. */
  readonly #kept = new Map<string, { readonly atMs: number; readonly done: Promise<void>; isPending: boolean }>();
  #count = 0;

  constructor(dependencies: LoggedTopicsDependencies) {
    this.#deps = dependencies;
  }

  /**
   * Messages delivered so far, and replays sent: a number that a later moment never shares with an earlier one's
   * replay.
   */
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
    if (topic.epoch === '') this.#place(topic, message);
    // A marker stands behind the log's last message, another right behind its previous one.
    const before = isMarker(message) ? offset : previousOffset(message);
    if (epoch === topic.epoch && before <= topic.offset) {
      if (offset > topic.offset) this.#deliver(topic, message);
      this.#placed(message.topic);
      return;
    }
    topic.waiting = [message];
    void this.#repair(message.topic, topic);
  }

  /** Reads what came while the broker was away: without a later message, nothing would tell that there was anything. */
  repairAll(): void {
    for (const [name, topic] of this.#topics) {
      if (topic.waiting !== undefined || topic.epoch === '') continue;
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
    this.#kept.delete(name);
    this.#topics.delete(name);
  }

  /**
   * Makes sure that the topic is logged and that this node knows where it stands in the log; then begins to record what
   * is delivered, so that a joiner can be given all of it. The topic must be subscribed at the broker.
   */
  async beginJoin(name: string): Promise<Recording> {
    await this.#keep(name);
    await this.#until(name, () => true);
    const recording: Recording = { messages: [], broken: false };
    this.#topics.get(name)?.recordings.add(recording);
    return recording;
  }

  /**
   * Resolves once this node has delivered what stands at a position. Where it lags behind another node, a joiner that
   * comes from there would be given again what it has acknowledged already.
   */
  async caughtUp(name: string, { epoch, offset }: Position): Promise<void> {
    await this.#until(name, (topic) => topic.epoch === epoch && topic.offset >= offset);
  }

  /**
   * Ends a join, in the same step in which the socket joins: what of `read`, and then of the recording, comes after
   * `from` and was delivered by this node already. All that follows reaches the joined socket by itself. Undefined
   * where something has been lost during the join.
   *
   * @param from where the joiner stands; undefined where it has nothing yet
   */
  endJoin(
    name: string,
    recording: Recording,
    read: readonly LoggedMessage[],
    from: Position | undefined,
  ): LoggedMessage[] | undefined {
    const topic = this.#topics.get(name);
    topic?.recordings.delete(recording);
    if (topic === undefined || topic.epoch === '' || recording.broken) return undefined;
    let last = from?.epoch === topic.epoch ? from.offset : -1;
    const replay: LoggedMessage[] = [];
    for (const message of [...read, ...recording.messages]) {
      const { epoch, offset } = message.position;
      if (epoch !== topic.epoch || offset <= last || offset > topic.offset) continue;
      last = offset;
      replay.push(message);
    }
    return replay;
  }

  /** A join that came to nothing. */
  abandonJoin(name: string, recording: Recording): void {
    this.#topics.get(name)?.recordings.delete(recording);
  }

  /** Where this node stands in the topic's log. */
  position(name: string): Position | undefined {
    const topic = this.#topics.get(name);
    return topic === undefined || topic.epoch === '' ? undefined : { epoch: topic.epoch, offset: topic.offset };
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
    this.#topics.set(message.topic, {
      epoch: '',
      offset: 0,
      history: new DeliveryHistory(),
      waiting: undefined,
      recordings: new Set(),
    });
    this.receive(message);
  }

  /**
   * Many may join at once, after a deploy say: one asks for the log, and the others within a second take its word for
   * it.
   */
  async #keep(name: string): Promise<void> {
    const kept = this.#kept.get(name);
    if (kept !== undefined && Date.now() - kept.atMs < KEPT_LATELY_MS && (kept.isPending || this.#isPlaced(name))) {
      await kept.done;
      return;
    }
    const keeping = { atMs: Date.now(), done: this.#deps.log.keep(name), isPending: true };
    this.#kept.set(name, keeping);
    try {
      await keeping.done;
      keeping.isPending = false;
    } catch (error) {
      if (this.#kept.get(name) === keeping) this.#kept.delete(name);
      throw error;
    }
  }

  #isPlaced(name: string): boolean {
    return (this.#topics.get(name)?.epoch ?? '') !== '';
  }

  /** The node takes its place right before a message, or at a marker. */
  #place(topic: LoggedTopic, message: LoggedMessage): void {
    topic.epoch = message.position.epoch;
    topic.offset = isMarker(message) ? message.position.offset : previousOffset(message);
  }

  #placed(name: string): void {
    if (this.#watchers.size === 0) return;
    for (const watcher of [...(this.#watchers.get(name) ?? [])]) watcher();
  }

  /** Resolves once the node knows where it stands in a topic, and that is as wanted; rejects with BrokerUnavailable. */
  async #until(name: string, isWanted: (topic: LoggedTopic) => boolean): Promise<void> {
    const holds = () => {
      const topic = this.#topics.get(name);
      return topic !== undefined && topic.epoch !== '' && isWanted(topic);
    };
    if (holds()) return;
    const watchers = this.#watchers.get(name) ?? new Set<() => void>();
    this.#watchers.set(name, watchers);
    let watcher = (): void => undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        watcher = () => {
          if (holds()) resolve();
        };
        watchers.add(watcher);
        const message = `${name}: this node does not yet stand where the log does`;
        timer = setTimeout(() => reject(new BrokerUnavailable(message)), CATCH_UP_MS);
      });
    } finally {
      clearTimeout(timer);
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(name) === watchers) this.#watchers.delete(name);
    }
  }

  #deliver(topic: LoggedTopic, message: LoggedMessage): void {
    topic.offset = message.position.offset;
    this.#count += 1;
    topic.history.add(this.#count, topic.offset);
    for (const recording of topic.recordings) recording.messages.push(message);
    this.#deps.publish(message);
  }

  async #repair(name: string, topic: LoggedTopic): Promise<void> {
    const missed = await this.#readGap(name, topic);
    // The last subscriber has left meanwhile; if one has come since, it stands in another state than this one.
    if (this.#topics.get(name) !== topic) return;
    const waiting = topic.waiting ?? [];
    topic.waiting = undefined;
    if (missed === undefined) this.#lose(name, topic, waiting[0]);
    else for (const message of missed) this.#deliver(topic, message);
    for (const message of waiting) this.receive(message);
    this.#placed(name);
  }

  /** Undefined where the log no longer has it. While the log is out of reach, what is published waits with it. */
  async #readGap(name: string, topic: LoggedTopic): Promise<readonly LoggedMessage[] | undefined> {
    const from = { epoch: topic.epoch, offset: topic.offset };
    for (;;) {
      try {
        return await this.#deps.log.since(name, from);
      } catch (error) {
        if (!(error instanceof BrokerUnavailable)) {
          this.#deps.logger.error({ err: error, topic: name }, 'reading a gap failed');
          return undefined;
        }
      }
      await delay(RETRY_MS, undefined, { ref: false });
      if (this.#topics.get(name) !== topic) return [];
    }
  }

  #lose(name: string, topic: LoggedTopic, first: LoggedMessage | undefined): void {
    const { lost, logger } = this.#deps;
    logger.warn({ topic: name, epoch: topic.epoch, offset: topic.offset }, 'a gap in a channel could not be filled');
    topic.history.clear();
    for (const recording of topic.recordings) recording.broken = true;
    topic.epoch = '';
    if (first !== undefined) this.#place(topic, first);
    lost(name);
  }
}
