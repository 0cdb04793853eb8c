import { randomBytes } from 'node:crypto';
import type { BrokerMessage } from '../../core/contracts/broker.ts';
import type { LogBounds, LoggedMessage, LogPage } from '../../core/contracts/channel-log.ts';
import type { Current } from '../../core/contracts/current.ts';
import type { Position } from '../../core/contracts/position.ts';

interface Entry {
  readonly message: LoggedMessage;
  readonly bytes: number;
  readonly atMs: number;
}

/**
 * Removed entries are dropped from the list's front in lots of this size: one by one, each removal would move the rest.
 */
const COMPACT_AT = 256;

/** The recent events of one topic. */
export class MemoryLog {
  readonly #topic: string;
  readonly #bounds: Current<LogBounds>;
  readonly #grown: (bytes: number) => void;
  readonly #epoch = randomBytes(9).toString('base64url');
  #entries: (Entry | undefined)[] = [];
  /** How many at the front of the list are removed already, and undefined. */
  #removed = 0;
  #bytes = 0;
  #offset = 0;
  /** If that is longer than the bounds say. */
  #minAgeMs = 0;
  /** When nobody wants the log any more, unless it is asked for again. */
  keepUntilMs = 0;

  /** @param grown the frames in it take so many bytes more, or less */
  constructor(topic: string, bounds: Current<LogBounds>, grown: (bytes: number) => void = () => undefined) {
    this.#topic = topic;
    this.#grown = grown;
    this.#bounds = bounds;
  }

  /** @param ageSeconds events are kept for at least so long, if that is longer than the bounds say */
  keep(nowMs: number, forSeconds: number, ageSeconds: number): void {
    this.keepUntilMs = Math.max(this.keepUntilMs, nowMs + forSeconds * 1000);
    this.#minAgeMs = Math.max(this.#minAgeMs, ageSeconds * 1000);
  }

  append(message: BrokerMessage, nowMs: number): LoggedMessage {
    this.#offset += 1;
    const logged: LoggedMessage = { ...message, position: { epoch: this.#epoch, offset: this.#offset } };
    const bytes = Buffer.byteLength(message.frame);
    this.#entries.push({ message: logged, bytes, atMs: nowMs });
    this.#bytes += bytes;
    this.#grown(bytes);
    this.trim(nowMs);
    return logged;
  }

  /** The size of all frames in it. */
  get bytes(): number {
    return this.#bytes;
  }

  get end(): Position {
    return { epoch: this.#epoch, offset: this.#offset };
  }

  marker(): LoggedMessage {
    return { topic: this.#topic, frame: '', position: this.end };
  }

  since(position: Position, nowMs: number): readonly LoggedMessage[] | undefined {
    this.trim(nowMs);
    const length = this.#entries.length - this.#removed;
    const missing = this.#offset - position.offset;
    if (position.epoch !== this.#epoch || missing < 0 || missing > length) return undefined;
    return this.#messages(this.#entries.length - missing, 0);
  }

  page(after: Position | undefined, maxEvents: number, nowMs: number): LogPage {
    this.trim(nowMs);
    const { end } = this;
    const last = this.#messages(this.#removed, 0);
    if (after === undefined) return { messages: last.slice(-maxEvents), end, reachesBack: true };
    const messages = this.since(after, nowMs);
    return { messages: (messages ?? last).slice(0, maxEvents), end, reachesBack: messages !== undefined };
  }

  recent(maxEvents: number, maxAgeSeconds: number, nowMs: number): readonly LoggedMessage[] {
    const first = Math.max(this.#removed, this.#entries.length - maxEvents);
    return this.#messages(first, nowMs - maxAgeSeconds * 1000);
  }

  #messages(first: number, oldestMs: number): LoggedMessage[] {
    const messages: LoggedMessage[] = [];
    for (const entry of this.#entries.slice(first)) {
      if (entry !== undefined && entry.atMs >= oldestMs) messages.push(entry.message);
    }
    return messages;
  }

  trim(nowMs: number): void {
    const { maxEvents, maxBytes, maxAgeSeconds } = this.#bounds();
    const maxAgeMs = Math.max(maxAgeSeconds * 1000, this.#minAgeMs);
    for (;;) {
      const oldest = this.#entries[this.#removed];
      if (oldest === undefined) break;
      const count = this.#entries.length - this.#removed;
      if (count <= maxEvents && this.#bytes <= maxBytes && nowMs - oldest.atMs <= maxAgeMs) break;
      this.#bytes -= oldest.bytes;
      this.#grown(-oldest.bytes);
      this.#entries[this.#removed] = undefined;
      this.#removed += 1;
    }
    if (this.#removed < COMPACT_AT) return;
    this.#entries = this.#entries.slice(this.#removed);
    this.#removed = 0;
  }
}
