import formbody from '@fastify/formbody';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { AppRegistry } from '../core/contracts/app.ts';
import { BrokerUnavailable } from '../core/contracts/broker.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import { isJsonObject } from '../protocol/frames.ts';
import { type Attempt, authorizeChannel, authorizeUser, type IsRevoked } from './authorize.ts';
import { corsHeaders, preflightHeaders } from './cross-origin.ts';
import { explained } from './explained.ts';
import type { FailureBlocks } from './failure-blocks.ts';
import { AuthRefusal, type RefusalCode } from './refusals.ts';
import type { RuleTurns } from './rule-turns.ts';
import type { RuleBook } from './rules.ts';
import type { AuthSettings } from './settings.ts';
import type { TokenVerifier } from './token.ts';

/** Laravel Echo's paths, and pusher-js's own. */
export const AUTH_PATHS = Object.freeze({
  channel: Object.freeze(['/broadcasting/auth', '/pusher/auth']),
  user: Object.freeze(['/broadcasting/user-auth', '/pusher/user-auth']),
});

export interface AuthServerOptions {
  readonly apps: AppRegistry;
  readonly settings: AuthSettings;
  readonly verifier: TokenVerifier;
  readonly rules: RuleBook;
  readonly turns: RuleTurns;
  readonly isRevoked: IsRevoked;
  readonly failures: FailureBlocks;
  readonly metrics: Metrics;
  /** Tells whoever is refused why: for development, if the one who asks is the one who wonders. */
  readonly explainRefusals?: boolean;
  readonly logger: Logger;
}

const MAX_AUTH_BODY_BYTES = 16_384;
const RETRY_AFTER_SECONDS = 5;

/**
 * The authorization endpoint. It does not listen: the transport hands it requests by `routing`, the client's address as
 * that of their socket, paths without the configured prefix. A reload of the configuration builds another.
 */
export function buildAuthServer(options: AuthServerOptions): FastifyInstance {
  const { apps, settings, metrics } = options;
  const server = Fastify({ logger: false, bodyLimit: MAX_AUTH_BODY_BYTES, exposeHeadRoutes: false });
  server.register(formbody);
  // Fastify takes it for a text; what is neither a form nor JSON is a 415 here.
  server.removeContentTypeParser('text/plain');

  server.addHook('onRequest', async (request, reply) => {
    reply.header('Cache-Control', 'no-store');
    reply.headers(corsHeaders(apps.all(), header(request, 'origin'), settings.cookieName !== undefined));
    const known = isAuthPath(request.url);
    if (known && request.method !== 'POST' && request.method !== 'OPTIONS') {
      reply.header('Allow', 'POST, OPTIONS');
      throw new AuthRefusal('method_not_allowed');
    }
  });

  for (const [paths, authorize] of [
    [AUTH_PATHS.channel, authorizeChannel],
    [AUTH_PATHS.user, authorizeUser],
  ] as const) {
    for (const path of paths) {
      server.options(path, (request, reply) => {
        reply.headers(preflightHeaders(header(request, 'access-control-request-headers')));
        return reply.code(204).send();
      });
      server.post(path, async (request, reply) => {
        const attempt: Attempt = { ip: request.ip };
        try {
          options.failures.check(request.ip);
          const answer = await authorize(options, attempt, fieldsOf(request.body), {
            authorization: header(request, 'authorization'),
            cookie: header(request, 'cookie'),
            origin: header(request, 'origin'),
            host: header(request, 'host'),
          });
          metrics.authorizations.add('granted');
          return answer;
        } catch (error) {
          return refuse(options, reply, attempt, error);
        }
      });
    }
  }

  server.setNotFoundHandler((request, reply) =>
    refuse(options, reply, { ip: request.ip }, new AuthRefusal('path_not_found')),
  );
  server.setErrorHandler((error, request, reply) => refuse(options, reply, { ip: request.ip }, error));
  return server;
}

/** One line in the log, and the status and sentence of the table to the client. */
function refuse(
  { explainRefusals, failures, settings, logger, metrics }: AuthServerOptions,
  reply: FastifyReply,
  attempt: Attempt,
  error: unknown,
): FastifyReply {
  const refusal = error instanceof AuthRefusal ? error : new AuthRefusal(codeOf(error), undefined, { cause: error });
  const { status, body, level } = refusal.kind;
  const thrown = refusal.code === 'internal_error' && error instanceof Error ? { error: error.message } : {};
  metrics.authorizations.add(refusal.code);
  logger[level]({ code: refusal.code, ...attempt, reason: refusal.message, ...thrown }, 'Authorization refused');
  failures.count(attempt.ip, refusal.code, settings);
  const { retryAfterSeconds = RETRY_AFTER_SECONDS } = refusal;
  if (status === 503 || status === 429) reply.header('Retry-After', String(retryAfterSeconds));
  return reply.code(status).send(explainRefusals ? { error: body, ...explained(refusal, attempt) } : { error: body });
}

/** Fastify's own refusals: of a body that it could not read. */
export function codeOf(error: unknown): RefusalCode {
  if (error instanceof BrokerUnavailable) return 'shared_state_unavailable';
  const status = isJsonObject(error) ? error.statusCode : undefined;
  if (status === 413) return 'body_too_large';
  if (status === 415) return 'media_type_unsupported';
  if (status === 400) return 'body_malformed';
  return 'internal_error';
}

function fieldsOf(body: unknown): Record<string, unknown> {
  if (isJsonObject(body)) return body;
  throw new AuthRefusal('body_malformed');
}

function header(request: FastifyRequest, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}

function isAuthPath(url: string): boolean {
  const path = url.split('?', 1)[0] ?? '';
  return AUTH_PATHS.channel.includes(path) || AUTH_PATHS.user.includes(path);
}
