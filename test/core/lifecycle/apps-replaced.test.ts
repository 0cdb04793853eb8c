import { pino } from 'pino';
import t, { type Test } from 'tap';
import { memoryState } from '../../../src/broker/memory/index.ts';
import { type App, ConfiguredApps } from '../../../src/core/contracts/app.ts';
import { createMetrics } from '../../../src/core/contracts/metrics.ts';
import { createCore } from '../../../src/core/create-core.ts';
import { FakeSocket } from '../../support/fakes.ts';
import { SESSION_BOUNDS } from '../../support/session-bounds.ts';
import { app } from '../../support/unit-app.ts';

const SETTINGS = {
  activityTimeoutSeconds: 120,
  pingIntervalSeconds: 30,
  pongTimeoutSeconds: 10,
  maxConnections: 0,
  maxConnectionsPerIp: 0,
  closeOnTokenExpiry: false,
  tokenToleranceSeconds: 0,
  maxWaitingBytes: 1_000_000,
  maxWaitingBytesOfNode: 10_000_000,
  maxWaitSeconds: 60,
  resume: { ackIntervalSeconds: 5, checkpointSeconds: 10, windowSeconds: 100 },
};
const BOUNDS = { maxEvents: 10, maxBytes: 10_000, maxAgeSeconds: 60 };

/** A core with these apps, and a connection to the first. */
async function connected(t: Test, ...first: App[]) {
  const apps = new ConfiguredApps(first);
  const logger = pino({ level: 'silent' });
  const shared = memoryState({ log: BOUNDS, sessionSeconds: 60, session: SESSION_BOUNDS }, logger);
  const core = createCore({ settings: SETTINGS, apps, shared, metrics: createMetrics(), logger });
  await core.start();
  t.teardown(async () => {
    await core.stop(0);
    await shared.roster.close();
    await shared.broker.close();
  });
  const socket = new FakeSocket();
  const handshake = { path: '/app/app-key', query: 'protocol=7', origin: '', ip: '192.0.2.1', secure: false };
  const connection = core.connections.open(handshake, socket);
  if (connection === undefined) throw new Error('the connection is refused');
  await new Promise(setImmediate);
  const replaceBy = async (...replaced: App[]) => {
    apps.replace(replaced);
    await core.connections.appsReplaced();
    return socket.calls.filter((call) => call.startsWith('close'));
  };
  return { core, connection, socket, replaceBy };
}

t.test('a connection sees the settings of its app as they are now', async (t) => {
  const { connection, replaceBy } = await connected(t, app());
  t.equal(connection.app.clientEvents, true);
  t.same(await replaceBy(app({ clientEvents: false })), []);
  t.equal(connection.app.clientEvents, false);
});

t.test('an app that has gone: its connections are closed with 4001, and give up what is theirs', async (t) => {
  const { core, connection, socket, replaceBy } = await connected(t, app(), app({ id: 'other', key: 'other-key' }));
  core.connections.message(connection, '{"event":"pusher:subscribe","data":{"channel":"c"}}');
  await new Promise(setImmediate);
  t.same(await replaceBy(app({ id: 'other', key: 'other-key' })), ['close 4001']);
  t.match(socket.calls.at(-2), /pusher:error.*4001/, 'and are told before');
  t.equal(connection.app.id, 'app-id', 'what it gives up is of the app that it was');
  core.connections.closed(connection, false);
  await new Promise(setImmediate);
  t.equal(core.connections.size, 0);
});

t.test('a disabled app, and a key that is of another app now', async (t) => {
  const disabled = await connected(t, app());
  t.same(await disabled.replaceBy(app({ enabled: false })), ['close 4003']);
  const given = await connected(t, app());
  t.same(await given.replaceBy(app({ id: 'another' })), ['close 4200'], 'it may come back, as one of the other app');
  t.equal(given.connection.app.id, 'app-id');
});
