import type { BrokerMessage } from '../contracts/broker.ts';
import { BrokerUnavailable } from '../contracts/broker.ts';
import type { ChannelLog, LoggedMessage } from '../contracts/channel-log.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Position } from '../contracts/position.ts';
import { LoggedTopic, type LoggedTopicContext } from './logged-topic.ts';

/** How long a join waits for this node to be where the log is, before it begins anew. */
const MAX_CATCH_UP_MS = 3000;
/** Joins that come within this long of one another ask once for their topic's log. */
const ASKED_LATELY_MS = 1000;
/** Logs that are read at once when the broker has come back. */
const MAX_REPAIRS_AT_ONCE = 100;

export interface LoggedTopicsDependencies {
  readonly log: ChannelLog;
  /** Hands a message to the transports; must not throw. */
  readonly publish: (message: BrokerMessage) => void;
  /** The topic's subscribers have missed something that the log no longer has; must not throw. */
  readonly lost: (topic: string) => void;
  readonly logger: Logger;
}

/** A join's request to keep a topic's log. */
interface KeepRequest {
  readonly atMs: number;
  readonly done: Promise<void>;
  isPending: boolean;
}

/** The logged topics of this node. Counts what it delivers on them; the count is what clients acknowledge. */
export class LoggedTopics {
  readonly #log: ChannelLog;
  readonly #context: LoggedTopicContext;
  readonly #topics = new Map<string, LoggedTopic>();
  /** Topics that this node has subscribers of: messages of others still come for a moment after the last has left. */
  readonly #expected = new Set<string>();
  /** What to call when the node's place in a topic has changed: joins wait for it. */
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #requests = new Map<string, KeepRequest>();
  #count = 0;

  constructor({ log, logger, publish, lost }: LoggedTopicsDependencies) {
    this.#log = log;
    this.#context = {
      log,
      logger,
      nextCount: () => this.nextCount(),
      publish,
      lost,
      moved: (name) => this.#moved(name),
      isCurrent: (topic) => this.#topics.get(topic.name) === topic,
    };
  }

  /**
   * Messages delivered so far, and replays sent: a number that a later moment never shares with an earlier one's
   * replay.
   */
  get count(): number {
    return this.#count;
  }

  /** A new count: for a replay, which is not counted as a delivery but is to be acknowledged like one. */
  nextCount(): number {
    this.#count += 1;
    return this.#count;
  }

  /** Whether anything was delivered on a topic after a count was taken. */
  hasDeliveredSince(name: string, count: number): boolean {
    return (this.#topics.get(name)?.history.lastCount ?? 0) > count;
  }

  /** How many deliveries came on a topic after a count was taken; those within a few milliseconds are one. */
  deliveriesSince(name: string, count: number): number {
    return this.#topics.get(name)?.history.deliveriesSince(count) ?? 0;
  }

  receive(message: LoggedMessage): void {
    let topic = this.#topics.get(message.topic);
    if (topic === undefined) {
      if (!this.#expected.has(message.topic)) return;
      topic = new LoggedTopic(message.topic, this.#context);
      this.#topics.set(message.topic, topic);
    }
    topic.receive(message);
  }

  /**
   * Reads what came while the broker was away: without a later message, nothing would tell that there was anything.
   */
  async repairAll(): Promise<void> {
    const topics = [...this.#topics.values()];
    for (let at = 0; at < topics.length; at += MAX_REPAIRS_AT_ONCE) {
      await Promise.all(topics.slice(at, at + MAX_REPAIRS_AT_ONCE).map((topic) => topic.repair()));
    }
  }

  /** The topic gets a subscriber here. */
  expect(name: string): void {
    this.#expected.add(name);
  }

  /** The topic has no subscriber here any more. */
  forget(name: string): void {
    this.#expected.delete(name);
    this.#requests.delete(name);
    this.#topics.delete(name);
  }

  /**
   * Makes sure that the topic is logged and that this node knows where it stands in the log. The topic must be
   * subscribed at the broker. Rejects with BrokerUnavailable.
   */
  async ready(name: string): Promise<void> {
    await this.#keep(name);
    await this.#until(name, () => true);
  }

  /**
   * Resolves once this node has delivered what stands at a position. If it lags behind another node, a joiner that
   * comes from there would be given again what it has acknowledged already. Rejects with BrokerUnavailable.
   */
  async caughtUp(name: string, { epoch, offset }: Position): Promise<void> {
    await this.#until(name, (position) => position.epoch === epoch && position.offset >= offset);
  }

  /** Where this node stands in the topic's log, if it knows. */
  position(name: string): Position | undefined {
    return this.#topics.get(name)?.position;
  }

  /** Where the node stood when its count was `count`, as far as it is still known. */
  positionAt(name: string, count: number): Position | undefined {
    return this.#topics.get(name)?.positionAt(count);
  }

  /** Many may join at once, after a deploy say: one asks for the log, the others take its word for it. */
  async #keep(name: string): Promise<void> {
    const last = this.#requests.get(name);
    const isLate = last === undefined || Date.now() - last.atMs >= ASKED_LATELY_MS;
    if (!isLate && (last.isPending || this.position(name) !== undefined)) {
      await last.done;
      return;
    }
    const request: KeepRequest = { atMs: Date.now(), done: this.#log.keep(name), isPending: true };
    this.#requests.set(name, request);
    try {
      await request.done;
      request.isPending = false;
    } catch (error) {
      if (this.#requests.get(name) === request) this.#requests.delete(name);
      throw error;
    }
  }

  #moved(name: string): void {
    if (this.#watchers.size === 0) return;
    for (const watcher of [...(this.#watchers.get(name) ?? [])]) watcher();
  }

  /**
   * Resolves once the node knows where it stands in a topic, and that is as wanted; rejects with BrokerUnavailable.
   */
  async #until(name: string, isWanted: (position: Position) => boolean): Promise<void> {
    const holds = () => {
      const position = this.position(name);
      return position !== undefined && isWanted(position);
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
        timer = setTimeout(() => reject(new BrokerUnavailable(message)), MAX_CATCH_UP_MS);
      });
    } finally {
      clearTimeout(timer);
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(name) === watchers) this.#watchers.delete(name);
    }
  }
}
