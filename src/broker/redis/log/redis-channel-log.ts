import { randomBytes } from 'node:crypto';
import type { BrokerMessage } from '../../../core/contracts/broker.ts';
import type { ChannelLog, LogBounds, LoggedMessage } from '../../../core/contracts/channel-log.ts';
import type { Position } from '../../../core/contracts/position.ts';
import { KEEP_LOG, PUBLISH_DURABLE, READ_LOG_RECENT, READ_LOG_SINCE } from '../scripts/log-scripts.ts';
import { bucketOf } from '../wire/keys.ts';
import { decodeFrame, headOf } from '../wire/messages.ts';
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
export class RedisChannelLog implements ChannelLog {
  readonly #store: RedisStore;
  readonly #bounds: LogBounds;

  constructor(store: RedisStore, bounds: LogBounds) {
    this.#store = store;
    this.#bounds = bounds;
  }

  /** Publishes a durable message, and logs it where somebody keeps the log. */
  async publish(message: BrokerMessage, effort: Effort): Promise<void> {
    const { topic, frame, exceptSocketId, cacheSeconds, logSeconds } = message;
    const { maxEvents, maxBytes, maxAgeSeconds } = this.#bounds;
    const keys = this.#keys(topic);
    await this.#store.script(
      PUBLISH_DURABLE,
      bucketOf(topic),
      [...keys, this.#store.key('c', topic)],
      [
        this.#store.publishCommand,
        headOf(exceptSocketId),
        frame,
        cacheSeconds ?? 0,
        logSeconds ?? 0,
        maxEvents,
        maxBytes,
        maxAgeSeconds * 1_000_000,
        newEpoch(),
      ],
      effort,
    );
  }

  async keep(topic: string): Promise<void> {
    // Who keeps a log asks again within a third of the window.
    const keepMs = Math.ceil((this.#bounds.maxAgeSeconds * 4000) / 3);
    const args = [this.#store.publishCommand, keepMs, newEpoch()];
    await this.#store.script(KEEP_LOG, bucketOf(topic), this.#keys(topic), args, this.#store.patience());
  }

  async since(topic: string, position: Position): Promise<readonly LoggedMessage[] | undefined> {
    const args = [position.epoch, position.offset];
    const keys = this.#keys(topic).slice(0, 2);
    const reply = await this.#store.script(READ_LOG_SINCE, bucketOf(topic), keys, args, this.#store.patience());
    return Array.isArray(reply) ? readEntries(topic, position.epoch, position.offset, reply) : undefined;
  }

  async recent(topic: string, maxEvents: number, maxAgeSeconds: number): Promise<readonly LoggedMessage[]> {
    const args = [maxEvents, maxAgeSeconds * 1_000_000];
    const keys = this.#keys(topic).slice(0, 2);
    const reply = await this.#store.script(READ_LOG_RECENT, bucketOf(topic), keys, args, this.#store.patience());
    if (!Array.isArray(reply)) return [];
    const [epoch, entries] = reply as unknown[];
    if (typeof epoch !== 'string' || !Array.isArray(entries)) return [];
    return readEntries(topic, epoch, 0, entries.reverse());
  }

  #keys(topic: string): string[] {
    return [this.#store.key('o', topic), this.#store.key('x', topic), this.#store.key('t', topic)];
  }
}

/** @param entries as `XRANGE` gives them: `[id, ['m', message]]` */
function readEntries(topic: string, epoch: string, before: number, entries: readonly unknown[]): LoggedMessage[] {
  let previous = before;
  return entries.map((entry) => {
    const [id, fields] = entry as [string, string[]];
    const offset = Number.parseInt(id, 10);
    const { frame, exceptSocketId } = decodeFrame(fields[1] ?? '');
    const message: LoggedMessage = { topic, frame, exceptSocketId, position: { epoch, offset }, previous };
    previous = offset;
    return message;
  });
}
