import type { Broker, BrokerMessage, CachedFrame, Deliver } from '../../core/contracts/broker.ts';
import type { ChannelLog, LogBounds, LoggedMessage } from '../../core/contracts/channel-log.ts';
import type { Position } from '../../core/contracts/position.ts';
import { MemoryLog } from './memory-log.ts';

interface Kept {
  readonly frame: string;
  readonly expiresAtMs: number;
}

/** How often frames and logs that were kept past their time are removed. */
const SWEEP_INTERVAL_MS = 60_000;

/** The broker of a single node: a publish is a function call. */
export class MemoryBroker implements Broker, ChannelLog {
  readonly #kept = new Map<string, Kept>();
  readonly #logs = new Map<string, MemoryLog>();
  readonly #bounds: LogBounds;
  readonly #now: () => number;
  #deliver: Deliver = () => {
    throw new Error('MemoryBroker.publish was called before start');
  };
  #sweep: NodeJS.Timeout | undefined;
  #ready = false;

  constructor(bounds: LogBounds, now: () => number = Date.now) {
    this.#bounds = bounds;
    this.#now = now;
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
        this.#kept.set(message.topic, {
          frame: message.frame,
          expiresAtMs: this.#now() + message.cacheSeconds * 1000,
        });
      }
      this.#deliver(message.durable === true ? this.#logged(message) : message);
    }
  }

  async keep(topic: string): Promise<void> {
    const now = this.#now();
    const log = this.#logs.get(topic) ?? this.#beginLog(topic);
    const { maxAgeSeconds } = this.#bounds;
    // Who keeps a log asks again within a third of this.
    log.keep(now, (maxAgeSeconds * 4) / 3, maxAgeSeconds);
    this.#deliver(log.marker());
  }

  async since(topic: string, position: Position): Promise<readonly LoggedMessage[] | undefined> {
    return this.#logs.get(topic)?.since(position, this.#now());
  }

  async recent(topic: string, maxEvents: number, maxAgeSeconds: number): Promise<readonly LoggedMessage[]> {
    return this.#logs.get(topic)?.recent(maxEvents, maxAgeSeconds, this.#now()) ?? [];
  }

  async cached(topic: string): Promise<CachedFrame | undefined> {
    const kept = this.#kept.get(topic);
    if (kept === undefined) return undefined;
    const ttlMs = kept.expiresAtMs - this.#now();
    return ttlMs > 0 ? { frame: kept.frame, ttlSeconds: Math.ceil(ttlMs / 1000) } : undefined;
  }

  isReady(): boolean {
    return this.#ready;
  }

  async close(): Promise<void> {
    this.#ready = false;
    clearInterval(this.#sweep);
    this.#kept.clear();
    this.#logs.clear();
  }

  #logged(message: BrokerMessage): BrokerMessage {
    const log = this.#logs.get(message.topic);
    if (log === undefined && message.logSeconds === undefined) return message;
    const now = this.#now();
    const kept = log ?? this.#beginLog(message.topic);
    if (message.logSeconds !== undefined) kept.keep(now, message.logSeconds, message.logSeconds);
    return kept.append(message, now);
  }

  #beginLog(topic: string): MemoryLog {
    const log = new MemoryLog(topic, this.#bounds);
    this.#logs.set(topic, log);
    return log;
  }

  #removeExpired(): void {
    const now = this.#now();
    for (const [topic, kept] of this.#kept) if (kept.expiresAtMs <= now) this.#kept.delete(topic);
    for (const [topic, log] of this.#logs) {
      if (log.keepUntilMs <= now) this.#logs.delete(topic);
      else log.trim(now);
    }
  }
}
