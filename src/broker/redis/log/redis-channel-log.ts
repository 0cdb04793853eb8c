import { randomBytes } from 'node:crypto';
import type { BrokerMessage } from '../../../core/contracts/broker.ts';
import type {
  ChannelHistory,
  ChannelLog,
  LogBounds,
  LoggedMessage,
  LogPage,
} from '../../../core/contracts/channel-log.ts';
import type { Current } from '../../../core/contracts/current.ts';
import type { Position } from '../../../core/contracts/position.ts';
import {
  KEEP_LOG,
  type LogEntry,
  PUBLISH_EVENT,
  PUBLISH_EVENT_ONCE,
  PUBLISH_KEPT_EVENT,
  READ_LOG_PAGE,
  READ_LOG_RECENT,
  READ_LOG_SINCE,
} from '../scripts/log.ts';
import { headOf } from '../scripts/messages.ts';
import type { Effort, RedisStore } from '../wire/store.ts';

/**
 * No two nodes draw the same, and none repeats its own: a log that begins takes the idea of an epoch of whoever begins
 * it.
 */
const EPOCHS = randomBytes(9).toString('base64url');
let epochs = 0;

function newEpoch(): string {
  epochs += 1;
  return `${EPOCHS}.${epochs}`;
}

/**
 * The recent events of channels as Redis streams, appended and published in one step: their order is the same
 * everywhere.
 */
export class RedisChannelLog implements ChannelLog, ChannelHistory {
  readonly #store: RedisStore;
  readonly #bounds: Current<LogBounds>;

  constructor(store: RedisStore, bounds: Current<LogBounds>) {
    this.#store = store;
    this.#bounds = bounds;
  }

  /** Publishes a durable message, and logs it if somebody keeps the log. */
  publish(message: BrokerMessage, effort: Effort): Promise<void> {
    const { topic, frame, exceptSocketId, cacheSeconds = 0, logSeconds = 0, onceId } = message;
    const head = headOf(exceptSocketId);
    if (onceId !== undefined) return this.#store.run(PUBLISH_EVENT_ONCE, topic, [head + frame, onceId], effort);
    if (cacheSeconds === 0 && logSeconds === 0) return this.#store.run(PUBLISH_EVENT, topic, [head + frame], effort);
    const args = [head, frame, cacheSeconds, logSeconds, newEpoch(), ...this.#written()] as const;
    return this.#store.run(PUBLISH_KEPT_EVENT, topic, args, effort);
  }

  keep(topic: string): Promise<void> {
    // Whatever keeps a log asks again within a third of the window.
    const keepMs = Math.ceil((this.#bounds().maxAgeSeconds * 4000) / 3);
    return this.#store.run(KEEP_LOG, topic, [keepMs, newEpoch(), ...this.#written()], this.#store.patience());
  }

  async since(topic: string, position: Position): Promise<readonly LoggedMessage[] | undefined> {
    const { epoch, offset } = position;
    const entries = await this.#store.run(READ_LOG_SINCE, topic, [epoch, offset], this.#store.patience());
    return entries === undefined ? undefined : loggedMessages(topic, epoch, offset, entries);
  }

  async page(topic: string, after: Position | undefined, maxEvents: number): Promise<LogPage | undefined> {
    const { epoch, offset } = after ?? { epoch: '', offset: 0 };
    const page = await this.#store.run(READ_LOG_PAGE, topic, [epoch, offset, maxEvents], this.#store.patience());
    if (page === undefined) return undefined;
    const { end, reachesBack, entries } = page;
    return { messages: loggedMessages(topic, end.epoch, 0, entries), end, reachesBack };
  }

  async recent(topic: string, maxEvents: number, maxAgeSeconds: number): Promise<readonly LoggedMessage[]> {
    const args = [maxEvents, maxAgeSeconds * 1_000_000] as const;
    const log = await this.#store.run(READ_LOG_RECENT, topic, args, this.#store.patience());
    return log === undefined ? [] : loggedMessages(topic, log.epoch, 0, log.entries);
  }

  /** The bounds as scripts take them: events, bytes, microseconds. */
  #written(): readonly [maxEvents: number, maxBytes: number, maxAge: number] {
    const { maxEvents, maxBytes, maxAgeSeconds } = this.#bounds();
    return [maxEvents, maxBytes, maxAgeSeconds * 1_000_000];
  }
}

function loggedMessages(topic: string, epoch: string, before: number, entries: readonly LogEntry[]): LoggedMessage[] {
  let previous = before;
  return entries.map(({ offset, message: { frame, exceptSocketId } }) => {
    const message: LoggedMessage = { topic, frame, exceptSocketId, position: { epoch, offset }, previous };
    previous = offset;
    return message;
  });
}
