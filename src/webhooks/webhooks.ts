import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { AppRegistry } from '../core/contracts/app.ts';
import type { Current } from '../core/contracts/current.ts';
import type { GivenUpStore, GivenUpWebhooks } from '../core/contracts/given-up.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import type { Fact, Outbox } from '../core/contracts/outbox.ts';
import { EndpointQueue } from './endpoint-queue.ts';
import { EndpointRoom } from './endpoint-room.ts';
import { FactFeed } from './fact-feed.ts';
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
  readonly settings: Current<WebhookSettings>;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const MAX_SOCKETS_PER_ENDPOINT = 8;

/** Tells the endpoints of apps what has happened, each fact by one node. (Channels docs: webhooks) */
export class Webhooks {
  /** What no endpoint took, for operators. */
  readonly givenUp: GivenUpWebhooks;
  readonly #deps: WebhooksDependencies;
  readonly #givenUp: GivenUp;
  readonly #feed: FactFeed;
  readonly #queues = new Map<string, EndpointQueue>();
  readonly #room = new EndpointRoom();
  readonly #agents = {
    'http:': new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS_PER_ENDPOINT }),
    'https:': new TlsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS_PER_ENDPOINT }),
  };
  #finished: Fact[] = [];
  readonly #confirming = new Set<Promise<void>>();

  constructor(dependencies: WebhooksDependencies) {
    this.#deps = dependencies;
    const { apps, outbox, settings, givenUp: store, metrics, logger } = dependencies;
    this.#givenUp = new GivenUp({ apps, store, metrics, logger, postSettings: (url) => this.#postSettings(url) });
    this.givenUp = this.#givenUp;
    this.#feed = new FactFeed({
      ...{ outbox, logger, name: 'webhooks', what: 'webhooks' },
      isWanted: () => apps.all().some(({ webhooks }) => webhooks.length > 0),
      graceSeconds: () => settings().graceSeconds,
      outlet: {
        pass: (telling) => this.#pass(telling),
        drop: (telling) => this.#finish(telling),
      },
    });
  }

  start(): void {
    this.#feed.start();
  }

  /**
   * What is not told is left to the other nodes; if no facts outlive this node, it is told now, with one attempt each.
   */
  async stop(): Promise<void> {
    await this.#feed.stop();
    const queues = () => [...this.#queues.values()];
    if (this.#deps.outbox.outlivesNode) {
      await Promise.all(queues().map((queue) => queue.stop()));
    } else {
      await this.#feed.drain();
      await Promise.all(queues().map((queue) => queue.flush()));
    }
    this.#confirm();
    await Promise.all(this.#confirming);
    await this.#feed.close();
    for (const agent of Object.values(this.#agents)) agent.destroy();
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
      // A reload may bring other URLs again and again.
      for (const [known, former] of this.#queues) if (former.isOver) this.#queues.delete(known);
      const { settings, metrics, logger, apps } = this.#deps;
      queue = new EndpointQueue(url, {
        post: () => this.#postSettings(url),
        retrySeconds: () => settings().retrySeconds,
        ...{ metrics, logger, room: this.#room },
        app: () => apps.findById(appId),
        holds: (telling) => this.#feed.holds(telling),
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
    const { timeoutSeconds, allowPrivateNetworks } = this.#deps.settings();
    const agent = this.#agents[url.startsWith('https:') ? 'https:' : 'http:'];
    return { timeoutMs: timeoutSeconds * 1000, allowPrivateNetworks, agent };
  }

  #finish(telling: Telling): void {
    this.#feed.putDown(telling);
    if (this.#finished.length === 0) setImmediate(() => this.#confirm());
    this.#finished.push(telling.fact);
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
      await this.#feed.done(facts);
    } catch (error) {
      this.#deps.logger.warn({ err: error, facts: facts.length }, 'facts that were told may be told again');
    }
  }
}
