import type { BoundName, Metrics } from '../../core/contracts/metrics.ts';

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
  bytes: number;
}

/** A map of so many entries and bytes at most: what was set the longest ago makes room. */
export class OldestOut<Value> {
  readonly #room: Room;
  readonly #metrics: Metrics;
  readonly #entries = new Map<string, Entry<Value>>();
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

  get(key: string): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  /** Sets it anew, at the end. @param bytes of the value */
  set(key: string, value: Value, bytes: number): void {
    this.delete(key);
    const entry = { value, bytes: OVERHEAD_BYTES + key.length * BYTES_PER_CHARACTER + bytes };
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
    this.#makeRoom();
  }

  /** Its value takes so much more, or less. */
  grow(key: string, bytes: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.bytes += bytes;
    this.#bytes += bytes;
    this.#makeRoom();
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#bytes -= entry.bytes;
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  *[Symbol.iterator](): Iterator<readonly [string, Value]> {
    for (const [key, { value }] of this.#entries) yield [key, value];
  }

  #makeRoom(): void {
    const { maxEntries, maxBytes, entries, bytes } = this.#room;
    for (const oldest of this.#entries.keys()) {
      const isFull = this.#entries.size > maxEntries;
      if (!isFull && this.#bytes <= maxBytes) return;
      this.#metrics.refused.add(isFull ? entries : bytes);
      this.delete(oldest);
    }
  }
}
