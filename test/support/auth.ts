import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { SignJWT } from 'jose';
import type { Test } from 'tap';
import {
  type AuthServerOptions,
  type AuthSettings,
  buildAuthServer,
  type ChannelRules,
  createTokenVerifier,
  FailureBlocks,
  type JwtSettings,
  nothingIsRevoked,
  RuleBook,
  RuleTurns,
} from '../../src/auth/index.ts';
import { type App, ConfiguredApps } from '../../src/core/contracts/app.ts';
import type { Logger } from '../../src/core/contracts/logger.ts';
import { createMetrics } from '../../src/core/contracts/metrics.ts';
import { VECTOR_APP, vectorApp } from './unit-app.ts';

export { vectorApp as app } from './unit-app.ts';

export const SECRET = 'a-secret-of-the-tests-that-is-long-enough-for-HS512-as-well-0123456789';

export const { key: KEY, secret: APP_SECRET } = VECTOR_APP;

export const SOCKET_ID = '1234.1234';

export function jwtSettings(overrides: Partial<JwtSettings> = {}): JwtSettings {
  return {
    secret: undefined,
    publicKey: undefined,
    jwksUrl: undefined,
    issuer: [],
    audience: [],
    algorithms: undefined,
    clockToleranceSeconds: 0,
    userIdClaim: 'sub',
    jwksCacheSeconds: 600,
    jwksCooldownSeconds: 0,
    jwksTimeoutSeconds: 2,
    ...overrides,
  };
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A logger that keeps what it is told. */
export function capture(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ ...fields, level, message });
  };
  return { logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}

export interface Harness {
  readonly server: FastifyInstance;
  readonly lines: LogLine[];
  /** Asks for a channel (a form, as pusher-js does) with a Bearer token. */
  ask(channel: string, token?: string, headers?: Record<string, string>): Promise<Answer>;
  /** Asks for sign-in. */
  signIn(token?: string, headers?: Record<string, string>): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly json: Record<string, unknown>;
}

export interface HarnessOptions {
  readonly apps?: readonly App[];
  readonly jwt?: Partial<JwtSettings>;
  readonly settings?: Partial<AuthSettings>;
  readonly rules?: ChannelRules | RuleBook;
  readonly explainRefusals?: boolean;
}

export const ALLOW_DOMAINS: ChannelRules = {
  channels: { 'domain.{domainId}': () => true, 'chat.{chatId}': () => true },
};

export function harness(t: Test, options: HarnessOptions = {}): Harness {
  const { logger, lines } = capture();
  const rules = options.rules ?? ALLOW_DOMAINS;
  const jwt = jwtSettings(options.jwt ?? { secret: SECRET });
  const serverOptions: AuthServerOptions = {
    apps: new ConfiguredApps(options.apps ?? [vectorApp()]),
    settings: {
      appId: undefined,
      cookieName: undefined,
      ruleTimeoutSeconds: 5,
      signChannelData: true,
      maxFailuresPerMinute: 0,
      failureBlockSeconds: 60,
      ...options.settings,
    },
    verifier: createTokenVerifier(jwt, logger),
    rules: rules instanceof RuleBook ? rules : new RuleBook(rules),
    turns: new RuleTurns(),
    isRevoked: nothingIsRevoked,
    failures: new FailureBlocks(createMetrics()),
    metrics: createMetrics(),
    explainRefusals: options.explainRefusals ?? false,
    logger,
  };
  const server = buildAuthServer(serverOptions);
  t.teardown(() => server.close());

  async function post(url: string, form: Record<string, string>, token = '', headers = {}): Promise<Answer> {
    const response = await server.inject({
      method: 'POST',
      url,
      remoteAddress: '203.0.113.9',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      payload: new URLSearchParams(form).toString(),
    });
    return { status: response.statusCode, headers: response.headers, json: response.json() };
  }
  return {
    server,
    lines,
    ask: (channel, token, headers) =>
      post('/broadcasting/auth', { socket_id: SOCKET_ID, channel_name: channel }, token, headers),
    signIn: (token, headers) => post('/broadcasting/user-auth', { socket_id: SOCKET_ID }, token, headers),
  };
}

export function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** An HS256 token of user 42 that expires in an hour, unless the claims say otherwise. */
export function token(claims: Record<string, unknown> = {}, secret = SECRET, alg = 'HS256'): Promise<string> {
  return new SignJWT({ sub: '42', exp: now() + 3600, ...claims })
    .setProtectedHeader({ alg })
    .sign(new TextEncoder().encode(secret));
}

/** An HTTP server on a free port of loopback; `requests` counts. */
export async function httpServer(
  t: Test,
  answer: RequestListener,
): Promise<{ url: string; requests: () => number; connections: () => number }> {
  let requests = 0;
  let connections = 0;
  const server = createServer((request, response) => {
    requests += 1;
    answer(request, response);
  });
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests: () => requests, connections: () => connections };
}

/**
 * The single line that a refusal leaves; and neither it nor any other holds one of `secrets`, or a token's signature.
 */
export function refusalLine(
  t: Test,
  lines: readonly LogLine[],
  code: string,
  secrets: readonly string[] = [],
): LogLine {
  const refused = lines.filter((line) => line.message === 'Authorization refused');
  t.equal(refused.length, 1, 'one line for one refusal');
  const line = refused[0] ?? { level: 'debug', message: '' };
  t.equal(line.code, code);
  noSecrets(t, lines, secrets);
  return line;
}

export function noSecrets(t: Test, lines: readonly unknown[], secrets: readonly string[]): void {
  const text = JSON.stringify(lines);
  for (const secret of [SECRET, APP_SECRET, ...secrets]) {
    for (const part of secret.startsWith('ey') ? [secret, ...secret.split('.').slice(1)] : [secret]) {
      if (part.length > 8) t.notOk(text.includes(part), 'no token and no secret in the log');
    }
  }
}
