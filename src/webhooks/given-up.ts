import { createHash } from 'node:crypto';
import type { App, AppRegistry } from '../core/contracts/app.ts';
import type { GivenUpBatch, GivenUpStore, GivenUpWebhooks, Resent } from '../core/contracts/given-up.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import type { Fact } from '../core/contracts/outbox.ts';
import { hmacHex } from '../protocol/hmac.ts';
import { payloadOf } from './payload.ts';
import { type PostSettings, post, reasonOf } from './post.ts';

export interface GivenUpDependencies {
  readonly apps: AppRegistry;
  readonly store: GivenUpStore;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly postSettings: (url: string) => PostSettings;
}

/** A batch of an app's facts, and the endpoint that did not take them. */
export interface Failed {
  readonly appId: string;
  readonly url: URL;
  readonly facts: readonly Fact[];
  readonly timeMs: number;
  readonly reason: string;
}

/** Batches of one app that this node sends again at once. */
const MAX_RESENT_AT_ONCE = 8;
const ID_DIGITS = 12;
const IDS_IN_LOG = 20;

/** Counts, logs and keeps what no attempt brought through, and sends it again when somebody asks. */
export class GivenUp implements GivenUpWebhooks {
  readonly #deps: GivenUpDependencies;
  /** How many, by app. */
  readonly #sending = new Map<string, number>();

  constructor(dependencies: GivenUpDependencies) {
    this.#deps = dependencies;
  }

  /** Never rejects: what cannot be kept is in the log. */
  async take({ appId, url, facts, timeMs, reason }: Failed): Promise<void> {
    const { apps, store, metrics, logger } = this.#deps;
    const app = apps.findById(appId);
    const ids = facts.map((fact) => fact.id);
    const shown = shownUrl(url);
    const endpoint = app === undefined ? '' : hmacHex(app.secret, url.href);
    const id = createHash('sha256').update(`${endpoint} ${shown} ${ids}`).digest('hex').slice(0, ID_DIGITS);
    metrics.webhooks.add('given_up');
    logger.error(
      { appId, url: shown, reason, batch: id, events: facts.length, ids: ids.slice(0, IDS_IN_LOG) },
      'a webhook has been given up',
    );
    const events = facts.map(({ id: event, kind, channel, userId }) => ({ id: event, kind, channel, userId }));
    const batch = { id, atMs: Date.now(), url: shown, reason, events, endpoint, timeMs, facts };
    try {
      const forgotten = await store.keep(appId, batch);
      if (forgotten === 0) return;
      metrics.refused.add('given-up-webhooks', forgotten);
      logger.warn({ appId, forgotten }, 'webhooks that had been given up were forgotten to make room');
    } catch (error) {
      logger.error({ err: error, appId, batch: id }, 'a webhook that was given up could not be kept');
    }
  }

  list(app: App) {
    return this.#deps.store.list(app.id);
  }

  async resend(app: App, id: string): Promise<Resent> {
    const { store, metrics, logger } = this.#deps;
    const sending = this.#sending.get(app.id) ?? 0;
    if (sending >= MAX_RESENT_AT_ONCE) {
      return failed(`${MAX_RESENT_AT_ONCE} are being sent again already: try again shortly`);
    }
    this.#sending.set(app.id, sending + 1);
    try {
      const batch = await store.read(app.id, id);
      if (batch === undefined) return { outcome: 'unknown' };
      const url = endpointOf(app, batch);
      if (url === undefined) return failed(noSuchWebhook(batch.url));
      const problem = await this.#attempt(app, url, batch);
      if (problem !== undefined) return failed(problem);
      metrics.webhooks.add('resent');
      logger.info({ appId: app.id, url: batch.url, batch: id }, 'a webhook that had been given up was sent again');
      // The endpoint has it: if this fails, it stays in the list, and sending it again changes nothing there.
      await store.remove(app.id, id);
      return { outcome: 'sent' };
    } finally {
      const left = (this.#sending.get(app.id) ?? 1) - 1;
      if (left > 0) this.#sending.set(app.id, left);
      else this.#sending.delete(app.id);
    }
  }

  async #attempt(app: App, url: string, { facts, timeMs }: GivenUpBatch): Promise<string | undefined> {
    try {
      const status = await post(new URL(url), payloadOf(app, facts, timeMs), this.#deps.postSettings(url));
      return status < 200 || status > 299 ? `the endpoint answered ${status}` : undefined;
    } catch (error) {
      return reasonOf(error);
    }
  }
}

/**
 * The endpoint as it is configured now. One whose query has changed since, with a new token say, is known by the rest
 * of its URL, if no other has the same.
 */
function endpointOf(app: App, { endpoint, url }: GivenUpBatch): string | undefined {
  const urls = [...new Set(app.webhooks.map((webhook) => webhook.url))];
  const same = urls.find((one) => hmacHex(app.secret, new URL(one).href) === endpoint);
  if (same !== undefined) return same;
  const alike = urls.filter((one) => shownUrl(new URL(one)) === url);
  return alike.length === 1 ? alike[0] : undefined;
}

/** Without the query, in which there may be a token. */
export function shownUrl({ origin, pathname }: URL): string {
  return origin + pathname;
}

/** Why nothing is sent to an endpoint that the configuration had once. */
export function noSuchWebhook(shown: string): string {
  return `the app has no webhook to ${shown} any more`;
}

function failed(reason: string): Resent {
  return { outcome: 'failed', reason };
}
