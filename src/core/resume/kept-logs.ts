import { BrokerUnavailable } from '../contracts/broker.ts';
import type { ChannelLog } from '../contracts/channel-log.ts';
import type { Current } from '../contracts/current.ts';
import type { Logger } from '../contracts/logger.ts';

/** Logs that are asked for at once. */
const MAX_LOGS_ASKED_AT_ONCE = 200;

/** The logs of topics that this node's resumable connections are in: they are kept while there is any. */
export class KeptLogs {
  readonly #log: ChannelLog;
  readonly #logger: Logger;
  readonly #windowSeconds: Current<number>;
  /** How many of this node's resumable connections are in a topic. */
  readonly #connections = new Map<string, number>();
  #askedMs = Date.now();

  /** @param windowSeconds for how long the log reaches back: it is asked to go on three times as often */
  constructor(log: ChannelLog, windowSeconds: Current<number>, logger: Logger) {
    this.#log = log;
    this.#logger = logger;
    this.#windowSeconds = windowSeconds;
  }

  add(topic: string): void {
    this.#connections.set(topic, (this.#connections.get(topic) ?? 0) + 1);
  }

  remove(topic: string): void {
    const left = (this.#connections.get(topic) ?? 0) - 1;
    if (left > 0) this.#connections.set(topic, left);
    else this.#connections.delete(topic);
  }

  /** Asks the logs to go on if it is time. @param withinMs how long it is until the next call */
  async attend(withinMs: number): Promise<void> {
    if (this.#connections.size === 0) return;
    const everyMs = (this.#windowSeconds() * 1000) / 3;
    if (Date.now() - this.#askedMs < everyMs - withinMs) return;
    await this.askAll();
  }

  /** Asks all logs to go on now. Never rejects. */
  async askAll(): Promise<void> {
    this.#askedMs = Date.now();
    const topics = [...this.#connections.keys()];
    for (let at = 0; at < topics.length; at += MAX_LOGS_ASKED_AT_ONCE) {
      await Promise.all(topics.slice(at, at + MAX_LOGS_ASKED_AT_ONCE).map((topic) => this.#ask(topic)));
    }
  }

  async #ask(topic: string): Promise<void> {
    try {
      await this.#log.keep(topic);
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) {
        this.#logger.error({ err: error, topic }, "a channel's log could not be kept");
      }
    }
  }
}
