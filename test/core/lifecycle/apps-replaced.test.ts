import t, { type Test } from 'tap';
import type { App } from '../../../src/core/contracts/app.ts';
import { startCore } from '../../support/core.ts';
import { app } from '../../support/unit-app.ts';

/** A core with these apps, and a connection to the first. */
async function connected(t: Test, ...first: App[]) {
  const { core, apps, connect } = await startCore(t, first);
  const { connection, socket } = await connect();
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
