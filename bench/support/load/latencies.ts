export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** In milliseconds, from sending a trigger to one of its deliveries. */
export interface LatencySummary {
  /** The delivery with which half of the subscribers had the event. */
  readonly half: Quantiles;
  readonly last: Quantiles;
}

/** Times the deliveries of each publisher's only event that is under way. */
export class Latencies {
  readonly #sentAt: Float64Array;
  readonly #half: number[] = [];
  readonly #last: number[] = [];

  constructor(publishers: number) {
    this.#sentAt = new Float64Array(publishers);
  }

  sent(publisher: number): void {
    this.#sentAt[publisher] = performance.now();
  }

  half(publisher: number): void {
    this.#half.push(performance.now() - (this.#sentAt[publisher] ?? Number.NaN));
  }

  last(publisher: number): void {
    this.#last.push(performance.now() - (this.#sentAt[publisher] ?? Number.NaN));
  }

  summary(): LatencySummary {
    return { half: quantiles(this.#half), last: quantiles(this.#last) };
  }
}

/** By nearest rank. */
function quantiles(values: readonly number[]): Quantiles {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
