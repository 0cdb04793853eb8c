/** Entries closer together than this are joined: an acknowledgement then stands for the earlier end. */
const RESOLUTION_MS = 50;

/** The longest past that an acknowledgement may lie in; what is older counts as not acknowledged. */
const MAX_HISTORY_ENTRIES = 4096;

/** A client that has not answered for so long is taken for dead by then: its last acknowledgement is no older. */
const MAX_HISTORY_MS = 5 * 60_000;

/** For one topic: which offset the node had delivered when its count of deliveries was such and such. */
export class DeliveryHistory {
  #counts: number[] = [];
  #offsets: number[] = [];
  /** When the last entry was begun. */
  #begunMs = 0;
  /** Since when the entries from `#youngAt` on were begun; those before it are older. */
  #youngSinceMs = 0;
  #youngAt = 0;
  lastCount = 0;

  add(count: number, offset: number, nowMs: number = Date.now()): void {
    this.lastCount = count;
    const last = this.#counts.length - 1;
    if (last > 0 && nowMs - this.#begunMs < RESOLUTION_MS) {
      this.#counts[last] = count;
      this.#offsets[last] = offset;
      return;
    }
    this.#begunMs = nowMs;
    if (nowMs - this.#youngSinceMs >= MAX_HISTORY_MS) {
      // The last of the old ones is where a client stands that has acknowledged nothing of the young ones.
      this.#dropFirst(this.#youngAt - 1);
      this.#youngSinceMs = nowMs;
      this.#youngAt = this.#counts.length;
    }
    this.#counts.push(count);
    this.#offsets.push(offset);
    if (this.#counts.length >= 2 * MAX_HISTORY_ENTRIES) this.#dropFirst(MAX_HISTORY_ENTRIES);
  }

  #dropFirst(entries: number): void {
    if (entries <= 0) return;
    this.#counts = this.#counts.slice(entries);
    this.#offsets = this.#offsets.slice(entries);
    this.#youngAt = Math.max(0, this.#youngAt - entries);
  }

  /** The last offset that was delivered when the count was `count`; undefined if the history does not reach back. */
  offsetAt(count: number): number | undefined {
    const later = this.#firstAfter(count);
    return later === 0 ? undefined : this.#offsets[later - 1];
  }

  /** How many deliveries came after a count was taken; those less than the resolution apart are one. */
  deliveriesSince(count: number): number {
    return this.lastCount > count ? this.#counts.length - this.#firstAfter(count) : 0;
  }

  #firstAfter(count: number): number {
    let low = 0;
    let high = this.#counts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#counts[middle] ?? 0) <= count) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  clear(): void {
    this.#counts = [];
    this.#offsets = [];
    this.#youngAt = 0;
  }
}
