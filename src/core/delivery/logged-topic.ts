import { setTimeout as delay } from 'node:timers/promises';
import { BrokerUnavailable } from '../contracts/broker.ts';
import { type ChannelLog, isMarker, type LoggedMessage, previousOffset } from '../contracts/channel-log.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Position } from '../contracts/position.ts';
import { DeliveryHistory } from './delivery-history.ts';

/** Between two tries to read a log that is out of reach. */
const RETRY_MS = 500;

/** Behind a gap, so much waits for it to be read; what is beyond is in the log, and is read with it. */
const MAX_MESSAGES_BEHIND_GAP = 1000;
const MAX_CHARACTERS_BEHIND_GAP = 1024 * 1024;

/** What a topic needs of the node; nothing of it throws. */
export interface LoggedTopicContext {
  readonly log: ChannelLog;
  readonly logger: Logger;
  /** The node's count of deliveries, with one more. */
  nextCount(): number;
  /** Hands a message to the transports. */
  publish(message: LoggedMessage): void;
  /** The topic's subscribers have missed something that the log no longer has. */
  lost(name: string): void;
  /** The node's place in the topic may have changed. */
  moved(name: string): void;
  /** Whether this is still what the node knows of the topic: its last subscriber may have left meanwhile. */
  isCurrent(topic: LoggedTopic): boolean;
}

/**
 * One logged topic on this node: delivers its messages in the order of the log, each once. A message that does not
 * follow on the last one waits, and what is missing before it is read from the log.
 */
export class LoggedTopic {
  readonly name: string;
  /** Which offset it had reached at which of the node's counts of deliveries. */
  readonly history = new DeliveryHistory();
  readonly #context: LoggedTopicContext;
  /** Empty while the node does not know where it stands: the topic's next message tells. */
  #epoch = '';
  /** The offset of the last message that this node has delivered. */
  #offset = 0;
  #told: Position | undefined;
  /** Messages behind a gap that is being read; undefined if there is none. */
  #waiting: LoggedMessage[] | undefined;
  #waitingCharacters = 0;

  constructor(name: string, context: LoggedTopicContext) {
    this.name = name;
    this.#context = context;
  }

  /** Where this node stands in the log, if it knows: one object for all who ask while it stands there. */
  get position(): Position | undefined {
    if (this.#epoch === '') return undefined;
    const [epoch, offset] = [this.#epoch, this.#offset];
    if (this.#told?.epoch !== epoch || this.#told.offset !== offset) this.#told = { epoch, offset };
    return this.#told;
  }

  /** Where the node stood when its count of deliveries was `count`, as far as it is still known. */
  positionAt(count: number): Position | undefined {
    const offset = this.history.offsetAt(count);
    return offset === undefined ? undefined : { epoch: this.#epoch, offset };
  }

  receive(message: LoggedMessage): void {
    if (this.#waiting !== undefined) this.#wait(message);
    else if (!this.#take(message)) void this.#fill([message]);
  }

  /** Reads on from where the node stands: messages may have been missed, and no later one would tell. */
  async repair(): Promise<void> {
    if (this.#waiting === undefined && this.#epoch !== '') await this.#fill([]);
  }

  /** Delivers a message unless it was delivered before; false if something before it is missing. */
  #take(message: LoggedMessage): boolean {
    const { epoch, offset } = message.position;
    if (this.#epoch === '') this.#place(message);
    // A marker stands behind the log's last message, another message right behind its previous one.
    const before = isMarker(message) ? offset : previousOffset(message);
    if (epoch !== this.#epoch || before > this.#offset) return false;
    if (offset > this.#offset) this.#deliver(message);
    this.#context.moved(this.name);
    return true;
  }

  #wait(message: LoggedMessage): void {
    const waiting = this.#waiting ?? [];
    if (waiting.length >= MAX_MESSAGES_BEHIND_GAP || this.#waitingCharacters >= MAX_CHARACTERS_BEHIND_GAP) {
      waiting.length = 0;
      this.#waitingCharacters = 0;
    }
    waiting.push(message);
    this.#waitingCharacters += message.frame.length;
  }

  /** Reads what is missing before some messages, until nothing is. Never rejects. */
  async #fill(waiting: LoggedMessage[]): Promise<void> {
    this.#waiting = waiting;
    this.#waitingCharacters = 0;
    while (this.#waiting !== undefined) {
      const missed = await this.#read();
      if (!this.#context.isCurrent(this)) return;
      this.#goOn(missed);
    }
    this.#context.moved(this.name);
  }

  /** @param missed what stands in the log behind the node's place; undefined if it no longer has that */
  #goOn(missed: readonly LoggedMessage[] | undefined): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    const from = this.#offset;
    if (missed === undefined) this.#lose(waiting[0]);
    else for (const message of missed) if (message.position.offset > this.#offset) this.#deliver(message);
    let hasMoved = missed === undefined || this.#offset > from;
    for (const [at, message] of waiting.entries()) {
      if (this.#take(message)) continue;
      // What came since the log was read may have a gap of its own, which is read too.
      if (hasMoved) {
        this.#waiting = waiting.slice(at);
        return;
      }
      // To read again would bring the same: what the log does not have before this message is lost.
      this.#lose(message);
      this.#take(message);
      hasMoved = true;
    }
  }

  /** Waits while the log is out of reach: what is published then waits too. */
  async #read(): Promise<readonly LoggedMessage[] | undefined> {
    const { log, logger } = this.#context;
    const from = { epoch: this.#epoch, offset: this.#offset };
    for (;;) {
      try {
        return await log.since(this.name, from);
      } catch (error) {
        if (!(error instanceof BrokerUnavailable)) {
          logger.error({ err: error, topic: this.name }, 'reading a gap failed');
          return undefined;
        }
      }
      await delay(RETRY_MS, undefined, { ref: false });
      if (!this.#context.isCurrent(this)) return [];
    }
  }

  #deliver(message: LoggedMessage): void {
    this.#offset = message.position.offset;
    this.history.add(this.#context.nextCount(), this.#offset);
    this.#context.publish(message);
  }

  /** The node takes its place right before a message, or at a marker. */
  #place(message: LoggedMessage): void {
    this.#epoch = message.position.epoch;
    this.#offset = isMarker(message) ? message.position.offset : previousOffset(message);
  }

  #lose(first: LoggedMessage | undefined): void {
    const { logger, lost } = this.#context;
    const fields = { topic: this.name, epoch: this.#epoch, offset: this.#offset };
    logger.warn(fields, 'a gap in a channel could not be filled');
    this.history.clear();
    this.#epoch = '';
    if (first !== undefined) this.#place(first);
    lost(this.name);
  }
}
