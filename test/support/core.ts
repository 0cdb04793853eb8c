import { pino } from 'pino';
import type { Test } from 'tap';
import { memoryState } from '../../src/broker/memory/index.ts';
import type { Connection } from '../../src/core/connection/connection.ts';
import { type App, ConfiguredApps } from '../../src/core/contracts/app.ts';
import { createMetrics } from '../../src/core/contracts/metrics.ts';
import type { SharedState } from '../../src/core/contracts/shared-state.ts';
import { type Core, createCore } from '../../src/core/create-core.ts';
import { FakeSocket } from './fakes.ts';
import { SESSION_RETENTION } from './session-bounds.ts';
import { app } from './unit-app.ts';

const SETTINGS = {
  activityTimeoutSeconds: 120,
  maxConnections: 0,
  maxConnectionsPerIp: 0,
  newConnectionsPerMinutePerIp: 0,
  maxWaitingBytes: 1_000_000,
  maxWaitingBytesOfNode: 10_000_000,
  maxWaitSeconds: 60,
  closeOnTokenExpiry: false,
  tokenToleranceSeconds: 0,
  revocationSeconds: 60,
  resume: { ackIntervalSeconds: 5, checkpointSeconds: 10, windowSeconds: 100 },
};
const LIVENESS = { pingIntervalSeconds: 30, pongTimeoutSeconds: 10 };
const NODE = { version: '0', isReady: () => true };
const LOG_BOUNDS = { maxEvents: 10, maxBytes: 10_000, maxAgeSeconds: 60 };

export interface StartedCore {
  readonly core: Core;
  readonly apps: ConfiguredApps;
  readonly state: SharedState;
  /** Connects to the first app, through a socket that writes down what is done to it; on a path that resumes, say. */
  connect(path?: string): Promise<{ readonly connection: Connection; readonly socket: FakeSocket }>;
}

/** The core of a node without Redis and without transports, which reaches its state by what `through` makes of it. */
export async function startCore(
  t: Test,
  of: readonly App[] = [app()],
  through: (state: SharedState) => SharedState = (state) => state,
  changes: Partial<typeof SETTINGS> = {},
  logBounds: Partial<typeof LOG_BOUNDS> = {},
): Promise<StartedCore> {
  const settings = { ...SETTINGS, ...changes };
  const apps = new ConfiguredApps(of);
  const logger = pino({ level: 'silent' });
  const state = memoryState(() => ({ log: { ...LOG_BOUNDS, ...logBounds }, ...SESSION_RETENTION }), logger);
  const core = createCore({
    checkToken: async () => ({ code: 4009, message: 'no token', client: '' }),
    settings: () => settings,
    liveness: LIVENESS,
    ...NODE,
    apps,
    shared: through(state),
    metrics: createMetrics(),
    logger,
  });
  await core.start();
  t.teardown(async () => {
    await core.stop(0);
    await state.roster.close();
    await state.broker.close();
  });
  return {
    core,
    apps,
    state,
    connect: async (path = `/app/${of[0]?.key}`) => {
      const socket = new FakeSocket();
      const handshake = { path, query: 'protocol=7', origin: '', ip: '192.0.2.1', secure: false };
      const connection = core.connections.open(handshake, socket);
      if (connection === undefined) throw new Error('the connection is refused');
      await new Promise(setImmediate);
      return { connection, socket };
    },
  };
}
