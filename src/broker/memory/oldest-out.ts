import type { BoundName, Metrics } from '../../core/contracts/metrics.ts';
import { appIdOf } from '../../core/contracts/topic.ts';
import { type Share, Shares } from './shares.ts';

/** What may be held, and the bounds by which the metrics tell of it. */
export interface Room {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly entries: BoundName;
  readonly bytes: BoundName;
}

/** What an entry takes beside its key and its value, about. */
const OVERHEAD_BYTES = 200;
const BYTES_PER_CHARACTER = 2;

interface Entry<Value> {
  readonly value: Value;
  readonly share: Share<string>;
  bytes: number;
}

/**
 * A map by topic, of so many entries and bytes at most: what of the app that has the most was set the longest ago makes
 * room.
 */
export class OldestOut<Value> {
  readonly #room: Room;
  readonly #metrics: Metrics;
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #shares = new Shares<string>();
  #bytes = 0;

  constructor(room: Room, metrics: Metrics) {
    this.#room = room;
    this.#metrics = metrics;
    metrics.bounds.push(
      { name: room.entries, limit: () => room.maxEntries, held: () => this.#entries.size },
      { name: room.bytes, limit: () => room.maxBytes, held: () => this.#bytes },
    );
  }

  get size(): number {
    return this.#entries.size;
  }

  get(topic: string): Value | undefined {
    return this.#entries.get(topic)?.value;
  }

  /** Sets it anew, as the app's newest. @param valueBytes of the value */
  set(topic: string, value: Value, valueBytes: number): void {
    this.delete(topic);
    const bytes = OVERHEAD_BYTES + topic.length * BYTES_PER_CHARACTER + valueBytes;
    const share = this.#shares.add(appIdOf(topic), topic, bytes);
    this.#entries.set(topic, { value, share, bytes });
    this.#bytes += bytes;
    this.#makeRoom();
  }

  /** Its value takes so much more, or less. */
  grow(topic: string, bytes: number): void {
    const entry = this.#entries.get(topic);
    if (entry === undefined) return;
    entry.bytes += bytes;
    entry.share.bytes += bytes;
    this.#bytes += bytes;
    this.#makeRoom();
  }

  delete(topic: string): void {
    const entry = this.#entries.get(topic);
    if (entry === undefined) return;
    this.#bytes -= entry.bytes;
    this.#shares.remove(entry.share, topic, entry.bytes);
    this.#entries.delete(topic);
  }

  clear(): void {
    this.#entries.clear();
    this.#shares.clear();
    this.#bytes = 0;
  }

  *[Symbol.iterator](): Iterator<readonly [string, Value]> {
    for (const [topic, { value }] of this.#entries) yield [topic, value];
  }

  #makeRoom(): void {
    const { maxEntries, maxBytes, entries, bytes } = this.#room;
    for (;;) {
      const isFull = this.#entries.size > maxEntries;
      if (!isFull && this.#bytes <= maxBytes) return;
      const oldest = this.#shares.oldestOfMost(isFull ? 'keys' : 'bytes');
      if (oldest === undefined) return;
      this.#metrics.refused.add(isFull ? entries : bytes);
      this.delete(oldest);
    }
  }
}
