import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger as PinoLogger } from 'pino';
import { Happenings } from './admin/happenings.ts';
import type { AdminDependencies, AdminServer } from './admin/index.ts';
import type { ApiDeps } from './api/index.ts';
import type { ChannelRules } from './auth/index.ts';
import { memoryState } from './broker/memory/index.ts';
import { redisState } from './broker/redis/index.ts';
import type { Config } from './config/schema.ts';
import { ConfiguredApps } from './core/contracts/app.ts';
import type { Logger } from './core/contracts/logger.ts';
import { createMetrics, type Metrics } from './core/contracts/metrics.ts';
import type { WantsFact } from './core/contracts/outbox.ts';
import type { Reload, ReloadOutcome } from './core/contracts/reload.ts';
import type { SharedState } from './core/contracts/shared-state.ts';
import { createCore } from './core/create-core.ts';
import { closeInReverse } from './core/lifecycle/close-in-reverse.ts';
import { AuthEndpoint } from './server/auth-endpoint.ts';
import { ConfigInForce } from './server/config-in-force.ts';
import { logEvents } from './server/event-log.ts';
import { createServerLog, type ServerLog, type Subsystem } from './server/log.ts';
import { playgroundRoutes } from './server/playground.ts';
import { alive, maxBodyBytes, publicRoutes } from './server/public-routes.ts';
import { createReload } from './server/reload.ts';
import {
  coreSettings,
  maxApiBodyBytes,
  retention,
  webSocketLimits,
  webSocketSettings,
  xhrSettings,
} from './server/settings.ts';
import { survives } from './server/uncaught.ts';
import { BodyBudget } from './transport/body-budget.ts';
import { ClientIp } from './transport/client-ip.ts';
import { FileDescriptorWatch, fileDescriptorLimit, warnOfLowLimit } from './transport/file-descriptors.ts';
import { HeaderLimit } from './transport/header-limit.ts';
import { type HttpRoute, type StreamedRoute, serveHttp } from './transport/http-routes.ts';
import { createNativeApp, listen } from './transport/listen.ts';
import { MissingUpgrade, missingUpgradeRoute } from './transport/missing-upgrade.ts';
import { loadUws, nativeHeaderLimitBytes } from './transport/uws.ts';
import { WebSocketTransport } from './transport/websocket.ts';
import { XhrRequests } from './transport/xhr/xhr-requests.ts';
import { xhrRoutes } from './transport/xhr/xhr-routes.ts';
import { XhrTransport } from './transport/xhr/xhr-transport.ts';
import { UserStatusTeller, Webhooks, wantsFact } from './webhooks/index.ts';

const { version: VERSION } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

export interface FanfareServer {
  /** Listens; rejects if it cannot, with an error whose message says why. */
  start(): Promise<Listening>;
  /** Asks the clients to go elsewhere, finishes what is under way, and closes. Can be called again. */
  stop(): Promise<void>;
  /**
   * For the process's `uncaughtException` and `unhandledRejection`: logs the error, and says whether a rule's code left
   * it behind, so that the server goes on. If not, stop it: the process cannot be relied on any more.
   */
  survives(error: unknown): boolean;
  /** How long connections get at a stop, by what is in force. */
  graceSeconds(): number;
  /**
   * Reads the configuration anew by `readConfig`, and takes it over, but for what waits for a restart. Rejects if the
   * server does not run, or was not told how to read.
   */
  reload(): Promise<ReloadOutcome>;
}

export interface Listening {
  readonly host: string;
  readonly port: number;
  /** Where operators look inside; undefined where that is turned off. */
  readonly admin: { readonly host: string; readonly port: number } | undefined;
}

/** After the last close frame: for the clients to have read it before their sockets go. */
const LAST_FRAMES_MS = 100;

export interface ServerOptions {
  /** Default: JSON lines on stdout at the configured level. */
  readonly logger?: PinoLogger;
  /** Serves a page to try things out with, at `/`, to this machine alone: for development. */
  readonly playground?: boolean;
  /** Makes text for people out of a line of the log. */
  readonly formatLog?: (line: string) => string;
  /** In place of those in `auth.rulesFile`. */
  readonly rules?: ChannelRules;
  /** Whether a refused authorization tells whoever asked why. Not for production: it helps whoever tries doors. */
  readonly explainRefusals?: boolean;
  /** Reads the configuration anew, for a reload; throws a ConfigError. */
  readonly readConfig?: () => Config;
}

/** Puts the parts together. Reads no environment and never exits the process. */
export function createServer(config: Config, options: ServerOptions = {}): FanfareServer {
  const inForce = new ConfigInForce(config);
  const log = createServerLog(
    inForce.of((now) => now.log),
    { given: options.logger, format: options.formatLog },
  );
  const { logger } = log;
  let running: Promise<Running> | undefined;
  let stopping: Promise<void> | undefined;
  return {
    async start() {
      running ??= run(inForce, log, options);
      try {
        const { port, admin } = await running;
        return { host: config.host, port, admin };
      } catch (error) {
        running = undefined;
        throw error;
      }
    },
    async stop() {
      stopping ??= running?.then((server) => server.stop()).finally(() => log.close());
      await stopping;
    },
    survives: (error) => survives(error, logger),
    graceSeconds: () => inForce.now.shutdownGraceSeconds,
    async reload() {
      const reload = (await running)?.reload;
      if (reload === undefined) throw new Error('This server does not run, or does not know where to read anew');
      return await reload();
    },
  };
}

interface Running extends Omit<Listening, 'host'> {
  readonly reload: Reload | undefined;
  stop(): Promise<void>;
}

async function run(inForce: ConfigInForce, log: ServerLog, options: ServerOptions): Promise<Running> {
  // What has been opened, to be closed in the reverse order: at the stop, or if the start fails.
  const opened: (() => Promise<void>)[] = [];
  const closeAll = () => closeInReverse(opened, log.logger);
  try {
    return await open(inForce, log, options, opened, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function open(
  inForce: ConfigInForce,
  log: ServerLog,
  options: ServerOptions,
  opened: (() => Promise<void>)[],
  closeAll: () => Promise<void>,
): Promise<Running> {
  // What is asked of this is settled; what a reload takes over is asked of `inForce`.
  const config = inForce.started;
  const happenings = new Happenings();
  const logger = config.admin.enabled ? happenings.listeningTo(log.logger) : log.logger;
  const loggerOf = (subsystem: Subsystem) =>
    config.admin.enabled ? happenings.listeningTo(log.of(subsystem)) : log.of(subsystem);
  const { maxHeaderBytes } = config.http;
  const uws = await loadUws(maxHeaderBytes);
  if (nativeHeaderLimitBytes() < maxHeaderBytes) {
    const fields = { maxHeaderBytes, holds: nativeHeaderLimitBytes() };
    logger.warn(fields, 'http.maxHeaderBytes is bounded by that of the first server in this process');
  }
  const apps = new ConfiguredApps(config.apps);
  const metrics = createMetrics();
  log.observe(metrics);
  const shared = sharedState(inForce, metrics, loggerOf('redis'), wantsFact(apps));
  const { broker, roster, outbox, revocations } = shared;
  opened.push(() => broker.close());
  opened.push(() => roster.close());
  const { rules, explainRefusals = false } = options;
  const auth = new AuthEndpoint({ apps, revocations, metrics, logger: loggerOf('auth'), rules, explainRefusals });
  opened.push(() => auth.close());
  await (await auth.prepare(config))();
  const webhooks = new Webhooks({
    ...{ ...shared, apps, metrics, logger: loggerOf('webhooks') },
    settings: inForce.of((now) => now.webhooks),
  });
  opened.push(() => webhooks.stop());
  const userStatus = new UserStatusTeller({
    ...{ ...shared, apps, logger: loggerOf('webhooks') },
    graceSeconds: inForce.of((now) => now.userStatus.graceSeconds),
  });
  opened.push(() => userStatus.stop());
  let draining = false;
  const isReady = () => !draining && broker.isReady();
  const core = createCore({
    settings: inForce.of(coreSettings),
    liveness: config.connections,
    version: VERSION,
    isReady,
    apps,
    shared,
    checkToken: auth.checkToken,
    metrics,
    logger: loggerOf('connections'),
  });
  const { connections, cluster, delivery, publisher, terminate } = core;
  const lookAtLevels = logEvents(delivery.watch, log);
  const api: ApiDeps = { ...shared, ...core, givenUp: webhooks.givenUp, apps, metrics, logger: loggerOf('api') };

  const native = createNativeApp(uws, config.tls);
  opened.push(async () => {
    native.close();
  });
  const clientIp = inForce.of(({ trustedProxies }) => new ClientIp(trustedProxies));
  const transportLogger = loggerOf('transport');
  const missingUpgrade = new MissingUpgrade(transportLogger);
  const headerLimit = new HeaderLimit(maxHeaderBytes, metrics, transportLogger);
  const webSockets = webSocketSettings(config);
  delivery.addTransport(
    new WebSocketTransport({
      ...{ uws, app: native, connections, clientIp, headerLimit, metrics, logger: transportLogger },
      settings: webSockets,
      limits: inForce.of(webSocketLimits),
    }),
  );
  const served: (HttpRoute | StreamedRoute)[] = [
    ...(options.playground === true ? playgroundRoutes({ config, apps, publisher, alive }) : []),
    ...publicRoutes(inForce.of(maxApiBodyBytes), api, isReady),
    auth.route,
    missingUpgradeRoute(missingUpgrade),
  ];
  if (config.fallback.enabled) {
    const parts = { connections, settings: inForce.of(xhrSettings), metrics, logger: transportLogger };
    const transport = new XhrTransport(parts);
    delivery.addTransport(transport);
    opened.push(async () => transport.stop());
    const requests = new XhrRequests({ ...parts, transport, apps, cluster });
    const { maxMessageBytes, tls } = webSockets;
    served.push(...xhrRoutes({ requests, apps, maxMessageBytes, tls }));
  }
  const requests = serveHttp({
    app: native,
    routes: served,
    pathPrefix: config.pathPrefix,
    clientIp,
    headerLimit,
    bodyBudget: new BodyBudget(
      inForce.of(({ http }) => Math.max(http.maxBodiesBytes, ...served.map(maxBodyBytes))),
      metrics,
    ),
    bodyTimeoutSeconds: inForce.of(({ http }) => http.bodyTimeoutSeconds),
    isStopping: () => draining,
    logger: transportLogger,
  });

  const { readConfig: read } = options;
  const reload = read && createReload({ inForce, apps, auth, connections, read, logger, replaced: lookAtLevels });
  const admin = await adminServer(config, {
    ...{ apps, publisher, roster, broker, outbox, delivery, cluster, metrics, terminate, happenings, isReady },
    logger: loggerOf('admin'),
    connections: connections.all,
    disconnect: core.disconnect,
    explain: () => auth.explain,
    reload,
  });
  await core.start();
  webhooks.start();
  userStatus.start();
  cluster.start();
  opened.push(() => cluster.stop());
  opened.push(async () => {
    const graceMs = inForce.now.shutdownGraceSeconds * 1000;
    const begun = performance.now();
    await core.stop(graceMs);
    await requests.finish(Math.max(0, graceMs - (performance.now() - begun)));
    await delay(LAST_FRAMES_MS);
  });
  if (admin !== undefined) {
    opened.push(async () => admin.leave());
    // Closed last, so that it tells how the stop goes on.
    opened.unshift(() => admin.stop());
  }
  const adminListening = await admin?.start();
  const limit = fileDescriptorLimit();
  warnOfLowLimit(inForce.now.connections.max, limit, logger);
  const listening = await listen(uws, native, config.host, config.port);
  const fileDescriptors = new FileDescriptorWatch(listening, limit, logger);
  const adminAt = adminListening === undefined ? {} : { admin: `${adminListening.host}:${adminListening.port}` };
  logger.info(
    { host: config.host, port: listening.port, ...adminAt, apps: apps.all().map(({ id }) => id) },
    'listening',
  );
  return {
    port: listening.port,
    admin: adminListening,
    reload,
    async stop() {
      draining = true;
      fileDescriptors.stop();
      logger.info({ connections: connections.size }, 'stopping');
      await closeAll();
      log.sumUp();
      logger.info({}, 'stopped');
    },
  };
}

/** Loaded only if it is wanted: it brings packages of its own. */
async function adminServer(
  { admin }: Config,
  dependencies: Omit<AdminDependencies, 'settings' | 'version'>,
): Promise<AdminServer | undefined> {
  if (!admin.enabled) return undefined;
  const { createAdminServer } = await import('./admin/index.ts');
  return createAdminServer({ ...dependencies, settings: admin, version: VERSION });
}

function sharedState(inForce: ConfigInForce, metrics: Metrics, logger: Logger, wants: WantsFact): SharedState {
  const { url, ...settings } = inForce.started.redis;
  const kept = inForce.of(retention);
  return url === undefined
    ? memoryState(kept, logger, wants, metrics)
    : redisState({ ...settings, url }, kept, logger, wants, metrics);
}
