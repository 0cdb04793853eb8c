import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Connection } from '../core/connection/connection.ts';
import type { Broker } from '../core/contracts/broker.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import type { Outbox } from '../core/contracts/outbox.ts';
import type { Delivery } from '../core/delivery/delivery.ts';
import { Access } from './access.ts';
import { ClusterQueries } from './cluster-queries.ts';
import { ClusterTail } from './cluster-tail.ts';
import { type ConsoleDependencies, registerConsoleApi } from './console-api.ts';
import { createExposition } from './exposition.ts';
import type { Happenings } from './happenings.ts';
import { History } from './history.ts';
import { registerSession, visitorOf } from './session.ts';
import { registerStaticFiles } from './static-files.ts';
import { Tails } from './tail.ts';
import { registerTail } from './tail-stream.ts';

export interface AdminSettings {
  /** Undefined: loopback; all addresses if there is a token. */
  readonly host: string | undefined;
  /** Undefined: 9601, or a free one if that is taken. */
  readonly port: number | undefined;
  readonly token: string | undefined;
  readonly openMetrics: boolean;
}

export interface AdminDependencies extends Omit<ConsoleDependencies, 'history' | 'queries'> {
  readonly settings: AdminSettings;
  readonly metrics: Metrics;
  readonly broker: Broker;
  readonly outbox: Outbox;
  readonly delivery: Delivery;
  readonly connections: Iterable<Connection>;
  readonly happenings: Happenings;
  /** Closes a connection of this node. */
  readonly disconnect: (connection: Connection) => void;
  readonly version: string;
  /** Whether new clients should be sent here. */
  readonly isReady: () => boolean;
  readonly logger: Logger;
}

export interface AdminServer {
  /** Rejects if it cannot listen, with an error whose message says why. */
  start(): Promise<{ readonly host: string; readonly port: number }>;
  /** Before the broker closes: nothing is asked or watched any more. */
  leave(): void;
  stop(): Promise<void>;
}

const DEFAULT_PORT = 9601;
/** Of whoever may ask `/api`; and of anyone, whose body is read before that is known: it holds a token. */
const MAX_ADMIN_BODY_BYTES = 1024 * 1024;
const MAX_LOGIN_BODY_BYTES = 4096;
/** From a request's first byte to its last, or from the beginning of a connection that sends none. */
const MAX_ADMIN_REQUEST_MS = 10_000;
const MAX_ADMIN_CONNECTIONS = 1000;
const CHECK_MS = 1000;

/**
 * The port for operators. It is apart from the clients' one, so that a proxy need not know which paths to keep to
 * itself.
 */
export function createAdminServer(dependencies: AdminDependencies): AdminServer {
  const { settings, metrics, broker, delivery, cluster, logger } = dependencies;
  const history = new History(metrics, broker);
  cluster.tell(() => history.last ?? {});
  const queries = new ClusterQueries(dependencies);
  const tail = new ClusterTail(cluster, new Tails(delivery.watch, cluster.id));

  const server = Fastify({
    logger: false,
    bodyLimit: MAX_LOGIN_BODY_BYTES,
    requestTimeout: MAX_ADMIN_REQUEST_MS,
    http: { connectionsCheckingInterval: CHECK_MS, headersTimeout: MAX_ADMIN_REQUEST_MS },
    forceCloseConnections: true,
  });
  server.server.maxConnections = MAX_ADMIN_CONNECTIONS;
  server.addHook('onRoute', (route) => {
    if (route.url.startsWith('/api/')) route.bodyLimit = MAX_ADMIN_BODY_BYTES;
  });
  // Only JSON: a form or a plain text is what a page of another site could send.
  server.removeContentTypeParser('text/plain');
  server.addHook('onRequest', async (_, reply) => {
    reply.header('Cache-Control', 'no-store');
    reply.header('X-Content-Type-Options', 'nosniff');
  });
  server.setErrorHandler((error, request, reply) => answerError(logger, request, reply, error));
  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: `Nothing is served at ${request.url.split('?', 1)[0]} of the admin port` }),
  );
  const access = new Access(settings.token);
  registerProbes(server, dependencies, access);
  registerSession(server, access);
  registerConsoleApi(server, { ...dependencies, history, queries });
  registerTail(server, tail);
  registerStaticFiles(server);

  return {
    async start() {
      const host = settings.host ?? (settings.token === undefined ? '127.0.0.1' : '0.0.0.0');
      const port = await listen(server, host, settings.port);
      history.start();
      return { host, port };
    },
    leave() {
      history.stop();
      tail.close();
    },
    async stop() {
      await server.close();
    },
  };
}

/** For orchestrators and Prometheus: `/health`, `/ready` and `/metrics`. */
function registerProbes(server: FastifyInstance, dependencies: AdminDependencies, access: Access): void {
  const { settings, isReady, version } = dependencies;
  const exposition = createExposition(dependencies);
  const startedMs = Date.now();
  server.addHook('onClose', async () => exposition.clear());
  server.get('/health', async () => ({
    status: 'ok',
    version,
    uptimeSeconds: Math.floor((Date.now() - startedMs) / 1000),
  }));
  server.get('/ready', async (_, reply) =>
    isReady() ? { status: 'ready' } : reply.code(503).send({ status: 'not ready' }),
  );
  server.get('/metrics', async (request, reply) => {
    const verdict = settings.openMetrics ? undefined : access.check(visitorOf(request));
    if (verdict?.allowed === false) return reply.code(verdict.status).send({ error: verdict.message });
    return reply.type(exposition.contentType).send(await exposition.metrics());
  });
}

async function listen(server: FastifyInstance, host: string, port: number | undefined): Promise<number> {
  try {
    await server.listen({ host, port: port ?? DEFAULT_PORT });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (port !== undefined || code !== 'EADDRINUSE') {
      const wanted = `${host}:${port ?? DEFAULT_PORT}`;
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(
        `The admin port cannot listen on ${wanted} (${why}): set admin.port and admin.host, or admin.enabled=false`,
      );
    }
    // Several nodes on one machine, none of which was given a port.
    await server.listen({ host, port: 0 });
  }
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('The admin port listens without an address');
  return address.port;
}

function answerError(logger: Logger, request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status < 500 && error instanceof Error) return reply.code(status).send({ error: error.message });
  logger.error({ err: error, method: request.method, path: request.url.split('?', 1)[0] }, 'an admin request failed');
  return reply.code(500).send({ error: 'The server failed on this request: its log says why' });
}
