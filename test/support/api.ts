import { type ApiDeps, createApi } from '../../src/api/index.ts';
import { MemoryBroker } from '../../src/broker/memory/memory-broker.ts';
import { MemoryGivenUp } from '../../src/broker/memory/memory-given-up.ts';
import { MemoryQuotas } from '../../src/broker/memory/memory-quotas.ts';
import { MemoryRequests } from '../../src/broker/memory/memory-requests.ts';
import { MemoryRoster } from '../../src/broker/memory/memory-roster.ts';
import { MemoryUserStatuses } from '../../src/broker/memory/memory-user-statuses.ts';
import { type App, ConfiguredApps } from '../../src/core/contracts/app.ts';
import type { BrokerMessage } from '../../src/core/contracts/broker.ts';
import type { Resent } from '../../src/core/contracts/given-up.ts';
import type { HttpRequest, HttpResponse } from '../../src/core/contracts/http.ts';
import { createMetrics } from '../../src/core/contracts/metrics.ts';
import { topicOf } from '../../src/core/contracts/topic.ts';
import { Delivery } from '../../src/core/delivery/delivery.ts';
import { Publisher } from '../../src/core/delivery/publisher.ts';
import { type LoggedLine, recordingLogger } from './fakes.ts';
import { md5, requestSignature } from './signing.ts';
import { VECTOR_APP, vectorApp } from './unit-app.ts';

export const { key: KEY, secret: SECRET } = VECTOR_APP;
export const NOW_SECONDS = 1_353_088_179;

/** The app of the vectors, with an event size that a test can go beyond. */
export function app(changes: Parameters<typeof vectorApp>[0] = {}): App {
  return vectorApp({ ...changes, limits: { maxEventBytes: 10_240, ...changes.limits } });
}

/** A request as the transport hands it over. */
export function request(method: string, path: string, query = '', body = '', origin?: string): HttpRequest {
  const headers = new Map(origin === undefined ? [] : [['origin', origin]]);
  return { method, path, fullPath: path, query, headers, body: Buffer.from(body), ip: '203.0.113.9' };
}

/** Signed parameters, percent-encoded. */
export function signedQuery(
  method: string,
  path: string,
  params: Record<string, string> = {},
  body = '',
  credentials = { key: KEY, secret: SECRET },
): string {
  const all: Record<string, string> = {
    auth_key: credentials.key,
    auth_timestamp: String(NOW_SECONDS),
    auth_version: '1.0',
    ...(body === '' ? {} : { body_md5: md5(body) }),
    ...params,
  };
  const signature = requestSignature(credentials.secret, method, path, all);
  return Object.entries({ ...all, auth_signature: signature })
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&');
}

/** The API over the embedded broker, roster and quotas, with what was published and logged. */
export class ApiFixture {
  readonly published: BrokerMessage[] = [];
  readonly terminated: string[] = [];
  readonly givenUp = new MemoryGivenUp();
  /** What sending a webhook again comes to, by its id. */
  readonly resent = new Map<string, Resent>();
  readonly revoked: string[] = [];
  readonly unsubscribed: string[] = [];
  readonly log: readonly LoggedLine[];
  readonly roster: MemoryRoster;
  readonly broker: MemoryBroker;
  readonly #api: (request: HttpRequest) => Promise<HttpResponse>;

  constructor(apps: readonly App[] = [app()], changes: Partial<ApiDeps> = {}) {
    const now = (): number => NOW_SECONDS * 1000;
    this.broker = new MemoryBroker(() => ({ maxEvents: 100, maxBytes: 100_000, maxAgeSeconds: 120 }), { now });
    this.roster = new MemoryRoster(this.broker, { tell: () => undefined });
    void this.broker.start((message) => this.published.push(message));
    const { logger, lines } = recordingLogger();
    this.log = lines;
    const metrics = createMetrics();
    this.#api = createApi({
      apps: new ConfiguredApps(apps),
      publisher: new Publisher(this.broker, metrics, new Delivery(this.broker, logger, metrics)),
      metrics,
      roster: this.roster,
      broker: this.broker,
      quotas: new MemoryQuotas(now),
      history: this.broker,
      requests: new MemoryRequests(now),
      statuses: new MemoryUserStatuses(now),
      givenUp: {
        list: (of) => this.givenUp.list(of.id),
        resend: async (_, id) => this.resent.get(id) ?? { outcome: 'unknown' },
      },
      terminate: async (of, userId) => {
        this.terminated.push(`${of.id}/${userId}`);
      },
      revokeToken: async (of, tokenId, expiresAt) => {
        this.revoked.push(`${of.id}/${tokenId}: ${expiresAt}`);
      },
      revokeUser: async (of, userId) => {
        this.revoked.push(`${of.id}/${userId}`);
      },
      unsubscribe: async (of, userId, channels) => {
        this.unsubscribed.push(`${of.id}/${userId}: ${channels.join(' ')}`);
      },
      logger,
      now,
      ...changes,
    });
  }

  /** Sends a request as it is. */
  async send(sent: HttpRequest): Promise<HttpResponse> {
    return await this.#api(sent);
  }

  /** A signed GET below /apps/3. */
  async get(path: string, params: Record<string, string> = {}): Promise<HttpResponse> {
    const full = `/apps/3${path}`;
    return await this.send(request('GET', full, signedQuery('GET', full, params)));
  }

  /** A signed POST below /apps/3; a string is sent as it is. */
  async post(path: string, body: unknown): Promise<HttpResponse> {
    const full = `/apps/3${path}`;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return await this.send(request('POST', full, signedQuery('POST', full, {}, text), text));
  }

  /** Puts a connection into a channel. */
  async join(channel: string, socketId: string, userId?: string): Promise<void> {
    const member = userId === undefined ? undefined : { userId, info: undefined };
    await this.roster.enter({ topic: topicOf('3', channel), socketId, member }, () => {});
  }
}

/** A header's value by its name, in any case. */
export function header(response: HttpResponse, name: string): string | undefined {
  return response.headers?.find(([given]) => given.toLowerCase() === name.toLowerCase())?.[1];
}
