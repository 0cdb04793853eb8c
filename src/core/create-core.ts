import { ERROR_CODES } from '../protocol/error-codes.ts';
import { Cluster } from './cluster/cluster.ts';
import { type Close, loggedClose } from './connection/close.ts';
import type { Connection } from './connection/connection.ts';
import { ConnectionTasks, type WaitingLimits } from './connection/connection-tasks.ts';
import type { App, AppRegistry } from './contracts/app.ts';
import type { Current } from './contracts/current.ts';
import type { Logger } from './contracts/logger.ts';
import type { Metrics } from './contracts/metrics.ts';
import type { SharedState } from './contracts/shared-state.ts';
import type { CheckToken } from './contracts/token-check.ts';
import { Delivery } from './delivery/delivery.ts';
import { LocalTopics } from './delivery/local-topics.ts';
import { Publisher } from './delivery/publisher.ts';
import { type ConnectionSettings, Connections } from './lifecycle/connections.ts';
import { Departures } from './lifecycle/departures.ts';
import { Dispatch } from './lifecycle/dispatch.ts';
import { Liveness, type LivenessSettings } from './lifecycle/liveness.ts';
import { NodeCapacity, type NodeLimits } from './lifecycle/node-capacity.ts';
import { Replay } from './resume/replay.ts';
import { Resume, type ResumeSettings } from './resume/resume.ts';
import { ALL_REVOKED, Authorizations, type ExpirySettings, REVOKED } from './subscriptions/authorizations.ts';
import { ClientEvents } from './subscriptions/client-events.ts';
import { LocalTokens } from './subscriptions/local-tokens.ts';
import { LocalUsers } from './subscriptions/local-users.ts';
import { NodeFacts } from './subscriptions/node-facts.ts';
import { SignIn } from './subscriptions/sign-in.ts';
import { SubscriptionCounts } from './subscriptions/subscription-counts.ts';
import { Subscriptions } from './subscriptions/subscriptions.ts';

export interface CoreSettings extends ConnectionSettings, NodeLimits, WaitingLimits, ExpirySettings {
  readonly resume: ResumeSettings;
}

export interface CoreDependencies {
  readonly settings: Current<CoreSettings>;
  readonly liveness: LivenessSettings;
  readonly version: string;
  /** Whether new clients should be sent here. */
  readonly isReady: () => boolean;
  readonly apps: AppRegistry;
  readonly shared: SharedState;
  readonly checkToken: CheckToken;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** What the server means, put together: what transports and the HTTP API are given. */
export interface Core {
  readonly connections: Connections;
  readonly delivery: Delivery;
  readonly publisher: Publisher;
  /** What this node and the others tell one another; to be started once the core runs. */
  readonly cluster: Cluster;
  /** Closes a user's connections on every node for good, and revokes the user's tokens; resolves once that holds. */
  terminate(app: App, userId: string): Promise<void>;
  /** Revokes a user's tokens; the clients are asked to come back with new ones. */
  revokeUser(app: App, userId: string): Promise<void>;
  /** Revokes one token. @param expiresAt unix seconds; undefined if nobody knows */
  revokeToken(app: App, tokenId: string, expiresAt: number | undefined): Promise<void>;
  /** Takes a user's connections out of channels, on every node; resolves as `terminate` does. */
  unsubscribe(app: App, userId: string, channels: readonly string[]): Promise<void>;
  /** Closes one connection of this node, as `terminate` would. */
  disconnect(connection: Connection): void;
  /** Takes what the broker delivers, and begins to watch over connections. */
  start(): Promise<void>;
  /** Asks every client to reconnect elsewhere; resolves when all have left, or at the end of the time given. */
  stop(graceMs: number): Promise<void>;
}

/** Puts the parts of the core together. Nothing runs before `start`. */
export function createCore({
  settings,
  liveness: livenessSettings,
  version,
  isReady,
  apps,
  shared,
  checkToken,
  metrics,
  logger,
}: CoreDependencies): Core {
  const { broker, roster, quotas, log, sessionStore, outbox, revocations, statuses } = shared;
  const closeNow = loggedClose(metrics, logger);
  // Too much waits for such a connection: it is not asked what it has received.
  const tasks = new ConnectionTasks(settings, closeNow, metrics, logger);
  const delivery = new Delivery(log, logger, metrics);
  const { logged } = delivery;
  const topics = new LocalTopics(broker, logged, metrics);

  const cluster = new Cluster({ broker, delivery, version, isReady, logger });
  const resume = new Resume({ settings: () => settings().resume, store: sessionStore, log, logged, cluster, logger });
  delivery.afterPublish((topic) => resume.delivered(topic));
  const replay = new Replay(log, logged, resume, metrics);
  const close: Close = (connection, cause) => {
    const end = () => closeNow(connection, cause);
    // A client that does not answer acknowledges nothing.
    if (cause === ERROR_CODES.pongMissing) end();
    else resume.part(connection, end);
  };

  const users = new LocalUsers(broker, topics, delivery, {
    terminate: (connection) => close(connection, TERMINATED),
    renew: (connection) => close(connection, ALL_REVOKED),
    unsubscribe: (connection, channel, userId) => {
      tasks.enqueue(connection, { run: () => subscriptions.remove(connection, channel, userId) });
    },
  });
  const tokens = new LocalTokens(broker, topics, delivery, (connection) => close(connection, REVOKED));
  const authorizations = new Authorizations({
    ...{ users, tokens, revocations, close, settings },
    authorized: (connection) => {
      for (const channel of [...connection.awaiting]) {
        tasks.enqueue(connection, { run: () => subscriptions.subscribeAwaited(connection, channel) });
      }
    },
  });
  const facts = new NodeFacts(outbox, logger);
  const counts = new SubscriptionCounts(broker, facts, logger);
  const subscriptions: Subscriptions = new Subscriptions({
    ...{ broker, delivery, roster, topics, counts, facts, replay, resume, authorizations, close, metrics, logger },
  });
  const signIn = new SignIn({ roster, statuses, topics, authorizations, logger });
  const clientEvents = new ClientEvents(broker, facts, metrics);

  const ping = ({ resumable, socket }: Connection) =>
    socket.ping(resumable === undefined ? '' : resume.pingPayload(resumable));
  const liveness = new Liveness(livenessSettings, ping, close);
  const connections = new Connections({
    ...{ apps, quotas, liveness, tasks, signIn, checkToken, resume, close, settings, metrics, logger },
    capacity: new NodeCapacity(settings, metrics),
    dispatch: new Dispatch({ tasks, subscriptions, signIn, clientEvents }),
    departures: new Departures({ tasks, resume, subscriptions, signIn, authorizations, quotas, logger }),
  });

  return {
    connections,
    delivery,
    cluster,
    publisher: new Publisher(broker, metrics, delivery),
    terminate: (app, userId) => authorizations.terminate(app, userId),
    revokeUser: (app, userId) => authorizations.revokeUser(app, userId),
    revokeToken: (app, tokenId, expiresAt) => authorizations.revokeToken(app, tokenId, expiresAt),
    unsubscribe: (app, userId, channels) => users.unsubscribe(app, userId, channels),
    disconnect: (connection) => close(connection, TERMINATED),
    async start() {
      await broker.start(delivery.deliver, () => {
        resume.restored();
        authorizations.restored(connections.all).catch((error: unknown) => {
          logger.error({ err: error }, 'revoked tokens could not be looked up');
        });
      });
      liveness.start();
      tasks.start(connections.all);
      resume.start();
    },
    async stop(graceMs) {
      await connections.drain(graceMs);
      liveness.stop();
      tasks.stop();
      resume.stop();
      counts.close();
    },
  };
}

const TERMINATED = { ...ERROR_CODES.unauthorized, message: 'Disconnected by the application' };
