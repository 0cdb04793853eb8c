import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { AppRegistry } from '../core/contracts/app.ts';
import { BrokerUnavailable } from '../core/contracts/broker.ts';
import type { GivenUpStore, GivenUpWebhooks } from '../core/contracts/given-up.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import { type Fact, type Outbox, type OutboxReader, PAGE_FACTS } from '../core/contracts/outbox.ts';
import { Debounce } from './debounce.ts';
import { EndpointQueue } from './endpoint-queue.ts';
import { GivenUp } from './given-up.ts';
import type { PostSettings } from './post.ts';
import type { Telling } from './telling.ts';
import { endpointsFor } from './wanted.ts';

export interface WebhookSettings {
  readonly allowPrivateNetworks: boolean;
  readonly timeoutSeconds: number;
  /** How long an endpoint that does not answer with a 2xx is tried again. */
  readonly retrySeconds: number;
  /**
   * For so long a channel that was vacated may be occupied again, and a member come back, without anyone being told.
   */
  readonly graceSeconds: number;
}

export interface WebhooksDependencies {
  readonly apps: AppRegistry;
  readonly outbox: Outbox;
  readonly givenUp: GivenUpStore;
  readonly settings: WebhookSettings;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const POLL_MS = 100;
/** Nothing is read while so many facts wait to be told. */
const MAX_FACTS_IN_HAND = 20_000;
const MAX_SOCKETS_PER_ENDPOINT = 8;

/** Tells the endpoints of apps what has happened, each fact by one node. (Channels docs: webhooks) */
export class Webhooks {
  /** What no endpoint took, for operators. */
  readonly givenUp: GivenUpWebhooks;
  readonly #deps: WebhooksDependencies;
  readonly #givenUp: GivenUp;
  readonly #debounce: Debounce;
  readonly #queues = new Map<string, EndpointQueue>();
  readonly #inHand = new Map<string, Telling>();
  readonly #agents = {
    'http:': new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS_PER_ENDPOINT }),
    'https:': new TlsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS_PER_ENDPOINT }),
  };
  readonly #stopping = new AbortController();
  #finished: Fact[] = [];
  readonly #confirming = new Set<Promise<void>>();
  #reader: OutboxReader | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(dependencies: WebhooksDependencies) {
    this.#deps = dependencies;
    const { apps, givenUp: store, metrics, logger } = dependencies;
    this.#givenUp = new GivenUp({ apps, store, metrics, logger, postSettings: (url) => this.#postSettings(url) });
    this.givenUp = this.#givenUp;
    this.#debounce = new Debounce(dependencies.settings.graceSeconds * 1000, {
      pass: (telling) => this.#pass(telling),
      drop: (telling) => this.#finish(telling),
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  /**
   * What is not told is left to the other nodes; if no facts outlive this node, it is told now, with one attempt each.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    const queues = () => [...this.#queues.values()];
    if (this.#deps.outbox.outlivesNode) {
      await Promise.all(queues().map((queue) => queue.stop()));
    } else {
      for (;;) if ((await this.#readSome()) === 0) break;
      this.#debounce.release(Number.POSITIVE_INFINITY, true);
      await Promise.all(queues().map((queue) => queue.flush()));
    }
    this.#confirm();
    await Promise.all(this.#confirming);
    await this.#reader?.close();
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const found = await this.#readSome();
      if (found === 0) await Promise.allSettled([delay(POLL_MS, undefined, { signal, ref: false })]);
    }
  }

  /** Gives how many facts there were. */
  async #readSome(): Promise<number> {
    if (this.#inHand.size >= MAX_FACTS_IN_HAND) return 0;
    if (this.#reader === undefined) {
      if (this.#deps.apps.all().every(({ webhooks }) => webhooks.length === 0)) return 0;
      this.#reader = this.#deps.outbox.reader('webhooks');
    }
    try {
      const begunMs = performance.now();
      const facts = await this.#reader.next();
      for (const fact of facts) this.#take(fact);
      // What a going waits for has been read by now, unless there was more than one read gives.
      this.#debounce.release(begunMs, facts.length < PAGE_FACTS);
      return facts.length;
    } catch (error) {
      if (error instanceof BrokerUnavailable) this.#deps.logger.debug({ err: error }, 'webhooks wait for Redis');
      else this.#deps.logger.error({ err: error }, 'facts for webhooks could not be read');
      return 0;
    }
  }

  #take(fact: Fact): void {
    const known = this.#inHand.get(fact.id);
    if (known !== undefined) {
      // Given again after it was in doubt who is to tell it.
      known.fact = fact;
      return;
    }
    const telling: Telling = { fact, open: 0 };
    this.#inHand.set(fact.id, telling);
    this.#debounce.take(telling);
  }

  #pass(telling: Telling): void {
    const app = this.#deps.apps.findById(telling.fact.appId);
    const endpoints = app === undefined ? [] : endpointsFor(app, telling.fact);
    if (app === undefined || endpoints.length === 0) {
      this.#finish(telling);
      return;
    }
    telling.open = endpoints.length;
    for (const { url } of endpoints) this.#queueFor(app.id, url).add(telling);
  }

  #queueFor(appId: string, url: string): EndpointQueue {
    const key = `${appId} ${url}`;
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      const { settings, metrics, logger, apps } = this.#deps;
      queue = new EndpointQueue(url, {
        post: this.#postSettings(url),
        retryMs: settings.retrySeconds * 1000,
        ...{ metrics, logger },
        app: () => apps.findById(appId),
        holds: (telling) => this.#holds(telling),
        done: (told) => {
          told.open -= 1;
          if (told.open === 0) this.#finish(told);
        },
        givenUp: (batch, timeMs, reason) => {
          const facts = batch.map(({ fact }) => fact);
          return this.#givenUp.take({ appId, url: new URL(url), facts, timeMs, reason });
        },
      });
      this.#queues.set(key, queue);
    }
    return queue;
  }

  #postSettings(url: string): PostSettings {
    const { timeoutSeconds, allowPrivateNetworks } = this.#deps.settings;
    const agent = this.#agents[url.startsWith('https:') ? 'https:' : 'http:'];
    return { timeoutMs: timeoutSeconds * 1000, allowPrivateNetworks, agent };
  }

  #holds(telling: Telling): boolean {
    if (this.#reader?.holds(telling.fact) === true) return true;
    // Given again, it begins anew; unless that has happened already.
    const { id } = telling.fact;
    if (this.#inHand.get(id) === telling) this.#inHand.delete(id);
    return false;
  }

  #finish({ fact }: Telling): void {
    this.#inHand.delete(fact.id);
    if (this.#finished.length === 0) setImmediate(() => this.#confirm());
    this.#finished.push(fact);
  }

  /** Those of one turn of the event loop together: a going and the coming that cancels it, above all. */
  #confirm(): void {
    const facts = this.#finished;
    if (facts.length === 0) return;
    this.#finished = [];
    const confirming = this.#confirmNow(facts).finally(() => this.#confirming.delete(confirming));
    this.#confirming.add(confirming);
  }

  async #confirmNow(facts: readonly Fact[]): Promise<void> {
    try {
      await this.#reader?.done(facts);
    } catch (error) {
      this.#deps.logger.warn({ err: error, facts: facts.length }, 'facts that were told may be told again');
    }
  }
}
