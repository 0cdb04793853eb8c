import { type ApiDeps, createApi } from '../../src/api/index.ts';
import { MemoryBroker } from '../../src/broker/memory/memory-broker.ts';
import { MemoryQuotas } from '../../src/broker/memory/memory-quotas.ts';
import { MemoryRoster } from '../../src/broker/memory/memory-roster.ts';
import { type App, type AppLimits, ConfiguredApps } from '../../src/core/contracts/app.ts';
import type { BrokerMessage } from '../../src/core/contracts/broker.ts';
import type { HttpRequest, HttpResponse } from '../../src/core/contracts/http.ts';
import { createMetrics } from '../../src/core/contracts/metrics.ts';
import { topicOf } from '../../src/core/contracts/topic.ts';
import { Delivery } from '../../src/core/delivery/delivery.ts';
import { Publisher } from '../../src/core/delivery/publisher.ts';
import { md5, requestSignature } from './signing.ts';

export const KEY = '278d425bdf160c739803';
export const SECRET = '7ad3773142a6692b25b8';
export const NOW_SECONDS = 1_353_088_179;

const LIMITS: AppLimits = {
  maxConnections: 0,
  maxChannelNameLength: 200,
  maxEventNameLength: 200,
  maxEventBytes: 10_240,
  maxChannelsPerEvent: 100,
  maxBatchEvents: 10,
  maxPresenceMembers: 100,
  maxPresenceMemberBytes: 1024,
  maxUserIdLength: 128,
  maxWatchlist: 100,
  maxChannelsPerConnection: 0,
  clientEventsPerSecond: 10,
  triggersPerSecond: 0,
  readsPerSecond: 0,
};

export function app(changes: Partial<Omit<App, 'limits'>> & { limits?: Partial<AppLimits> } = {}): App {
  const { limits, ...rest } = changes;
  return {
    id: '3',
    key: KEY,
    secret: SECRET,
    enabled: true,
    tlsOnly: false,
    allowedOrigins: [],
    clientEvents: true,
    subscriptionCount: false,
    unauthorizedTimeoutSeconds: 0,
    encryptionMasterKey: undefined,
    rewind: [],
    ...rest,
    limits: { ...LIMITS, ...limits },
  };
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

export interface LogLine {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

/** The API over the embedded broker, roster and quotas, with what was published and logged. */
export class ApiFixture {
  readonly published: BrokerMessage[] = [];
  readonly terminated: string[] = [];
  readonly log: LogLine[] = [];
  readonly roster: MemoryRoster;
  readonly broker: MemoryBroker;
  readonly #api: (request: HttpRequest) => Promise<HttpResponse>;

  constructor(apps: readonly App[] = [app()], changes: Partial<ApiDeps> = {}) {
    const now = (): number => NOW_SECONDS * 1000;
    this.broker = new MemoryBroker({ maxEvents: 100, maxBytes: 100_000, maxAgeSeconds: 120 }, now);
    this.roster = new MemoryRoster(this.broker);
    void this.broker.start((message) => this.published.push(message));
    const logged =
      (level: string) =>
      (fields: object, message: string): void => {
        this.log.push({ level, fields, message });
      };
    const logger = { debug: logged('debug'), info: logged('info'), warn: logged('warn'), error: logged('error') };
    const metrics = createMetrics();
    this.#api = createApi({
      apps: new ConfiguredApps(apps),
      publisher: new Publisher(this.broker, metrics, new Delivery(this.broker, logger, metrics)),
      metrics,
      roster: this.roster,
      broker: this.broker,
      quotas: new MemoryQuotas(now),
      terminate: async (of, userId) => {
        this.terminated.push(`${of.id}/${userId}`);
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
