import { setTimeout as delay } from 'node:timers/promises';
import type { App } from '../core/contracts/app.ts';
import type { Current } from '../core/contracts/current.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import type { EndpointRoom } from './endpoint-room.ts';
import { noSuchWebhook, shownUrl } from './given-up.ts';
import { payloadOf } from './payload.ts';
import { type PostSettings, post, reasonOf } from './post.ts';
import type { Telling } from './telling.ts';

export interface EndpointContext {
  readonly post: Current<PostSettings>;
  /** How long a batch is tried. */
  readonly retrySeconds: Current<number>;
  /** Shared with all other endpoints. */
  readonly room: EndpointRoom;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** The app as it is now; undefined if it has gone. */
  app(): App | undefined;
  /** Whether the fact is still this node's to tell. */
  holds(telling: Telling): boolean;
  /** This endpoint has been told, or never will be. */
  done(telling: Telling): void;
  /** Keeps what this endpoint did not take. Never rejects. */
  givenUp(batch: readonly Telling[], timeMs: number, reason: string): Promise<void>;
}

/** (Channels docs: webhooks, batching) */
const BATCH_EVENTS = 20;
const BATCH_BYTES = 1024 * 1024;
const BATCH_MS = 250;
const MAX_BATCHES_AT_ONCE = 4;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/** Tells one endpoint, in batches, a few at a time; each is tried again until it is taken or its time is over. */
export class EndpointQueue {
  readonly #given: string;
  readonly #url: URL;
  readonly #context: EndpointContext;
  readonly #waiting: Telling[] = [];
  #waitingBytes = 0;
  readonly #stopping = new AbortController();
  readonly #sending = new Set<Promise<void>>();
  readonly #givingUp = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #hurried = false;

  constructor(url: string, context: EndpointContext) {
    this.#given = url;
    this.#url = new URL(url);
    this.#context = context;
  }

  /** Nothing waits or is under way, and nothing will be: the app has no such endpoint any more. */
  get isOver(): boolean {
    return this.#waiting.length === 0 && this.#sending.size === 0 && !this.#isWanted(this.#context.app());
  }

  add(telling: Telling): void {
    const { room, metrics } = this.#context;
    while (this.#waiting.length > 0) {
      const reason = room.problem(this.#waiting.length, this.#waitingBytes);
      if (reason === undefined) break;
      metrics.refused.add('webhook-events');
      const givingUp = this.#giveUp(this.#nextBatch(), Date.now(), reason).finally(() =>
        this.#givingUp.delete(givingUp),
      );
      this.#givingUp.add(givingUp);
    }
    this.#waiting.push(telling);
    const { bytes } = telling.fact;
    this.#waitingBytes += bytes;
    room.take(bytes);
    if (this.#waiting.length >= BATCH_EVENTS) this.#sendMore();
    else this.#timer ??= setTimeout(() => this.#sendMore(), this.#hurried ? 0 : BATCH_MS);
  }

  /** Sends what waits at once, and tries nothing again; resolves when that has been answered. */
  async flush(): Promise<void> {
    this.#hurried = true;
    this.#stopping.abort();
    while (this.#waiting.length > 0 || this.#sending.size > 0) {
      this.#sendMore();
      await Promise.all(this.#sending);
    }
    await Promise.all(this.#givingUp);
  }

  /** Sends nothing more; resolves when what is under way has been answered. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#context.room.giveBack(this.#waiting.length, this.#waitingBytes);
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#stopping.abort();
    await Promise.all([...this.#sending, ...this.#givingUp]);
  }

  #sendMore(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#waiting.length > 0 && this.#sending.size < MAX_BATCHES_AT_ONCE) {
      const sending = this.#send(this.#nextBatch()).finally(() => {
        this.#sending.delete(sending);
        if (this.#waiting.length > 0) this.#sendMore();
      });
      this.#sending.add(sending);
    }
  }

  /** Takes the oldest that wait: one at least, if any does. */
  #nextBatch(): readonly Telling[] {
    let count = 0;
    let bytes = 0;
    for (const { fact } of this.#waiting) {
      if (count === BATCH_EVENTS || (count > 0 && bytes + fact.bytes > BATCH_BYTES)) break;
      count += 1;
      bytes += fact.bytes;
    }
    this.#waitingBytes -= bytes;
    this.#context.room.giveBack(count, bytes);
    return this.#waiting.splice(0, count);
  }

  #isWanted(app: App | undefined): boolean {
    return app?.webhooks.some(({ url }) => url === this.#given) === true;
  }

  /** Never rejects. */
  async #send(batch: readonly Telling[]): Promise<void> {
    const { logger, metrics, retrySeconds } = this.#context;
    const timeMs = Date.now();
    const endMs = performance.now() + retrySeconds() * 1000;
    for (let attempt = 0; ; attempt += 1) {
      const app = this.#context.app();
      // What another node may be telling by now is that node's.
      const held = batch.filter((telling) => this.#context.holds(telling));
      if (held.length === 0) return;
      if (app === undefined) return this.#giveUp(held, timeMs, 'the app has gone');
      if (!this.#isWanted(app)) return this.#giveUp(held, timeMs, noSuchWebhook(shownUrl(this.#url)));
      const problem = await this.#attempt(app, held, timeMs);
      if (problem === undefined) {
        for (const telling of held) this.#context.done(telling);
        return;
      }
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
      if (performance.now() + pauseMs > endMs) return this.#giveUp(held, timeMs, problem);
      if (this.#hurried) return this.#giveUp(held, timeMs, `${problem}, and the server stops`);
      if (this.#stopping.signal.aborted) return;
      metrics.webhooks.add('retried');
      logger.warn({ ...this.#fields(), attempt: attempt + 1, reason: problem }, 'a webhook failed and is tried again');
      await Promise.allSettled([delay(pauseMs, undefined, { signal: this.#stopping.signal })]);
      if (this.#stopping.signal.aborted && !this.#hurried) return;
    }
  }

  /** What was wrong, or undefined if the endpoint took it. */
  async #attempt(app: App, batch: readonly Telling[], timeMs: number): Promise<string | undefined> {
    const facts = batch.map(({ fact }) => fact);
    try {
      const status = await post(this.#url, payloadOf(app, facts, timeMs), this.#context.post());
      if (status < 200 || status > 299) return `the endpoint answered ${status}`;
    } catch (error) {
      return reasonOf(error);
    }
    this.#context.metrics.webhooks.add('delivered');
    return undefined;
  }

  /** Kept first, so that this node's death loses nothing between the two. */
  async #giveUp(batch: readonly Telling[], timeMs: number, reason: string): Promise<void> {
    await this.#context.givenUp(batch, timeMs, reason);
    for (const telling of batch) this.#context.done(telling);
  }

  #fields() {
    return { appId: this.#context.app()?.id, url: shownUrl(this.#url) };
  }
}
