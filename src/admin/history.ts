import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Broker } from '../core/contracts/broker.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import { isOutOfFileDescriptors } from '../core/contracts/out-of-file-descriptors.ts';
import { roundTrip } from './exposition.ts';

/** What one node did in one interval. Rates are by the second; what could not be measured is null. */
export interface Sample {
  readonly atMs: number;
  readonly connections: number;
  readonly subscriptions: number;
  readonly triggersPerSecond: number;
  readonly deliveriesPerSecond: number;
  readonly framesOutPerSecond: number;
  readonly bytesOutPerSecond: number;
  /** The median of the events that were timed in the interval. */
  readonly latencyP50Ms: number | null;
  readonly latencyP99Ms: number | null;
  readonly eventLoopP99Ms: number;
  readonly memoryBytes: number;
  /** A round trip to the shared state. */
  readonly sharedStateMs: number | null;
}

export const SAMPLE_SECONDS = 5;
/** 15 minutes. */
const MAX_HISTORY_SAMPLES = 180;
const LOOP_RESOLUTION_MS = 20;

interface Totals {
  readonly triggers: number;
  readonly deliveries: number;
  readonly framesOut: number;
  readonly bytesOut: number;
  readonly latency: readonly number[];
}

/** Looks at the counters every few seconds and keeps the last quarter of an hour. */
export class History {
  readonly #metrics: Metrics;
  readonly #broker: Broker;
  readonly #eventLoop: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  #samples: Sample[] = [];
  #before: Totals;
  #beforeMs = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(metrics: Metrics, broker: Broker) {
    this.#metrics = metrics;
    this.#broker = broker;
    this.#before = totals(metrics);
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  get last(): Sample | undefined {
    return this.#samples.at(-1);
  }

  start(): void {
    this.#eventLoop.enable();
    this.#timer = setInterval(() => void this.sample(), SAMPLE_SECONDS * 1000);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#eventLoop.disable();
  }

  async sample(): Promise<void> {
    const sharedStateSeconds = await roundTrip(this.#broker);
    const nowMs = performance.now();
    const seconds = Math.max(0.001, (nowMs - this.#beforeMs) / 1000);
    const before = this.#before;
    const now = totals(this.#metrics);
    this.#before = now;
    this.#beforeMs = nowMs;
    const timed = now.latency.map((count, index) => count - (before.latency[index] ?? 0));
    const { bucketsSeconds } = this.#metrics.deliveryLatency;
    const sample: Sample = {
      atMs: Date.now(),
      connections: sum(this.#metrics.connections.entries()),
      subscriptions: this.#metrics.subscriptions,
      triggersPerSecond: (now.triggers - before.triggers) / seconds,
      deliveriesPerSecond: (now.deliveries - before.deliveries) / seconds,
      framesOutPerSecond: (now.framesOut - before.framesOut) / seconds,
      bytesOutPerSecond: (now.bytesOut - before.bytesOut) / seconds,
      latencyP50Ms: quantileMs(timed, bucketsSeconds, 0.5),
      latencyP99Ms: quantileMs(timed, bucketsSeconds, 0.99),
      eventLoopP99Ms: delayMs(this.#eventLoop),
      memoryBytes: residentBytes() ?? this.last?.memoryBytes ?? 0,
      sharedStateMs: Number.isNaN(sharedStateSeconds) ? null : sharedStateSeconds * 1000,
    };
    this.#eventLoop.reset();
    this.#samples.push(sample);
    if (this.#samples.length > MAX_HISTORY_SAMPLES) this.#samples = this.#samples.slice(-MAX_HISTORY_SAMPLES);
  }
}

/** Undefined if nobody can say now: Linux tells by a file, which has to be opened. */
function residentBytes(): number | undefined {
  try {
    return process.memoryUsage.rss();
  } catch (error) {
    if (isOutOfFileDescriptors(error)) return undefined;
    throw error;
  }
}

/** The histogram holds how long its own timer took, which an idle loop lets wait for its interval. */
function delayMs(eventLoop: IntervalHistogram): number {
  return eventLoop.count === 0 ? 0 : Math.max(0, eventLoop.percentile(99) / 1e6 - LOOP_RESOLUTION_MS);
}

/** The upper end of the bucket that holds the quantile; null if nothing was counted. */
function quantileMs(counts: readonly number[], endsSeconds: readonly number[], quantile: number): number | null {
  const total = counts.reduce((all, count) => all + count, 0);
  if (total === 0) return null;
  let seen = 0;
  for (const [index, count] of counts.entries()) {
    seen += count;
    if (seen >= total * quantile) return (endsSeconds[index] ?? endsSeconds.at(-1) ?? 0) * 1000;
  }
  return null;
}

function totals({ triggers, deliveries, framesOut, bytesOut, deliveryLatency }: Metrics): Totals {
  return { triggers, deliveries, framesOut, bytesOut, latency: [...deliveryLatency.counts] };
}

function sum(entries: Iterable<readonly [string, number]>): number {
  let total = 0;
  for (const [, count] of entries) total += count;
  return total;
}
