import type { Broker, BrokerMessage, CachedFrame, Deliver } from '../../core/contracts/broker.ts';
import type {
  ChannelHistory,
  ChannelLog,
  LogBounds,
  LoggedMessage,
  LogPage,
} from '../../core/contracts/channel-log.ts';
import type { Current } from '../../core/contracts/current.ts';
import { createMetrics, type Metrics } from '../../core/contracts/metrics.ts';
import type { Position } from '../../core/contracts/position.ts';
import { MemoryLog } from './memory-log.ts';
import { OldestOut } from './oldest-out.ts';

interface Expiring {
  readonly frame: string;
  readonly expiresAtMs: number;
}

/** How often what was kept past its time is removed. */
const SWEEP_INTERVAL_MS = 30_000;

/** Something else that the node keeps for a time. */
export interface Swept {
  removeExpired(): void;
}

/** Logs of channels, however many are joined on a path that resumes, and all that is in them. */
const MAX_LOGS = 100_000;
const MAX_LOG_BYTES = 256 * 1024 * 1024;
/** Last events of cache channels. */
const MAX_CACHED_EVENTS = 100_000;
const MAX_CACHED_BYTES = 64 * 1024 * 1024;

const LIMITS = Object.freeze({
  maxLogs: MAX_LOGS,
  maxLogBytes: MAX_LOG_BYTES,
  maxCachedEvents: MAX_CACHED_EVENTS,
  maxCachedBytes: MAX_CACHED_BYTES,
});

export interface MemoryBrokerOptions {
  readonly now?: () => number;
  readonly metrics?: Metrics;
  readonly limits?: Readonly<Record<keyof typeof LIMITS, number>>;
  /** Swept as often as the broker itself, between its start and its close. */
  readonly besides?: readonly Swept[];
}

/** The broker of a single node: a publish is a function call. */
export class MemoryBroker implements Broker, ChannelLog, ChannelHistory {
  readonly #cached: OldestOut<Expiring>;
  readonly #logs: OldestOut<MemoryLog>;
  readonly #bounds: Current<LogBounds>;
  readonly #now: () => number;
  readonly #besides: readonly Swept[];
  #deliver: Deliver = () => {
    throw new Error('MemoryBroker.publish was called before start');
  };
  #sweep: NodeJS.Timeout | undefined;
  #ready = false;

  constructor(bounds: Current<LogBounds>, options: MemoryBrokerOptions = {}) {
    const { now = Date.now, metrics = createMetrics(), limits = LIMITS, besides = [] } = options;
    this.#bounds = bounds;
    this.#now = now;
    this.#besides = besides;
    const { maxLogs, maxLogBytes, maxCachedEvents, maxCachedBytes } = limits;
    this.#logs = new OldestOut(
      { maxEntries: maxLogs, maxBytes: maxLogBytes, entries: 'channel-logs', bytes: 'channel-log-bytes' },
      metrics,
    );
    this.#cached = new OldestOut(
      { maxEntries: maxCachedEvents, maxBytes: maxCachedBytes, entries: 'cached-events', bytes: 'cached-event-bytes' },
      metrics,
    );
  }

  async start(deliver: Deliver): Promise<void> {
    this.#deliver = deliver;
    this.#ready = true;
    this.#sweep = setInterval(() => this.#removeExpired(), SWEEP_INTERVAL_MS);
    this.#sweep.unref();
  }

  // Every topic's subscribers are on this node, so there is nothing to ask for.
  async subscribe(): Promise<void> {}

  async unsubscribe(): Promise<void> {}

  async publish(messages: readonly BrokerMessage[]): Promise<void> {
    for (const message of messages) {
      if (message.cacheSeconds !== undefined) {
        const cached = { frame: message.frame, expiresAtMs: this.#now() + message.cacheSeconds * 1000 };
        this.#cached.set(message.topic, cached, Buffer.byteLength(message.frame));
      }
      this.#deliver(message.durable === true ? this.#logged(message) : message);
    }
  }

  async keep(topic: string): Promise<void> {
    const now = this.#now();
    const log = this.#logs.get(topic) ?? this.#newLog(topic);
    // At the end of the line: those that nobody has asked for make room first.
    this.#logs.set(topic, log, log.bytes);
    const { maxAgeSeconds } = this.#bounds();
    // Whatever keeps a log asks again within a third of this.
    log.keep(now, (maxAgeSeconds * 4) / 3, maxAgeSeconds);
    this.#deliver(log.marker());
  }

  async since(topic: string, position: Position): Promise<readonly LoggedMessage[] | undefined> {
    return this.#logs.get(topic)?.since(position, this.#now());
  }

  async page(topic: string, after: Position | undefined, maxEvents: number): Promise<LogPage | undefined> {
    return this.#logs.get(topic)?.page(after, maxEvents, this.#now());
  }

  async recent(topic: string, maxEvents: number, maxAgeSeconds: number): Promise<readonly LoggedMessage[]> {
    return this.#logs.get(topic)?.recent(maxEvents, maxAgeSeconds, this.#now()) ?? [];
  }

  async cached(topic: string): Promise<CachedFrame | undefined> {
    const cached = this.#cached.get(topic);
    if (cached === undefined) return undefined;
    const ttlMs = cached.expiresAtMs - this.#now();
    return ttlMs > 0 ? { frame: cached.frame, ttlSeconds: Math.ceil(ttlMs / 1000) } : undefined;
  }

  isReady(): boolean {
    return this.#ready;
  }

  async close(): Promise<void> {
    this.#ready = false;
    clearInterval(this.#sweep);
    this.#cached.clear();
    this.#logs.clear();
  }

  #logged(message: BrokerMessage): BrokerMessage {
    const log = this.#logs.get(message.topic);
    if (log === undefined && message.logSeconds === undefined) return message;
    const now = this.#now();
    const current = log ?? this.#newLog(message.topic);
    if (log === undefined) this.#logs.set(message.topic, current, 0);
    if (message.logSeconds !== undefined) current.keep(now, message.logSeconds, message.logSeconds);
    return current.append(message, now);
  }

  #newLog(topic: string): MemoryLog {
    return new MemoryLog(topic, this.#bounds, (bytes) => this.#logs.grow(topic, bytes));
  }

  #removeExpired(): void {
    for (const other of this.#besides) other.removeExpired();
    const now = this.#now();
    for (const [topic, cached] of this.#cached) if (cached.expiresAtMs <= now) this.#cached.delete(topic);
    for (const [topic, log] of this.#logs) {
      if (log.keepUntilMs <= now) this.#logs.delete(topic);
      else log.trim(now);
    }
  }
}
