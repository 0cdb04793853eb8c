import t from 'tap';
import { unique } from '../../support/names.ts';
import { on } from '../../support/raw-client.ts';
import { setUpJoined, setUpSession } from '../../support/session-client.ts';

/** Each has a server of its own, and most of its time it waits. */
t.jobs = 4;

t.test('a connection that answers no more loses its session to the one that comes, at the place it had', async (t) => {
  const { api, channel, connect, first: older, deliver } = await setUpJoined(t);
  await deliver('1');
  await older.acknowledge();
  const begunMs = Date.now();
  const newer = await connect();
  t.same(await newer.join(channel), { recovered: true, events: 0 });
  t.ok(Date.now() - begunMs < 1000, 'it is not waited for long');
  await api.trigger(channel, 'news', '2');
  await older.client.next((frame) => frame.data === '2');
  t.equal(older.client.socket.readyState, 1, 'it is not closed');
  await older.cut();
  await newer.cut();
  await api.trigger(channel, 'news', '3');
  const next = await connect();
  t.same(await next.join(channel), { recovered: true, events: 2 }, 'from where the newer stood');
});

t.test('a token presented twice: each goes on, hears that it is shared, and is told so when it is back', async (t) => {
  const { api, channel, connect } = await setUpSession(t);
  const open = () => connect(true);
  const shared = { recovered: false, reason: 'shared' };
  const older = await open();
  t.same(await older.join(channel), { recovered: false, reason: 'unknown' });
  const newer = await open();
  t.same(await newer.join(channel), shared);
  await api.trigger(channel, 'news', '1');
  for (const page of [older, newer]) await page.client.next(on(channel, 'news'));
  const other = unique('room-');
  for (const page of [older, newer]) t.same(await page.join(other), shared);
  for (const page of [older, newer]) t.equal(page.client.socket.readyState, 1, 'nobody is closed');
  for (const page of [older, newer]) await page.cut();
  for (const page of [await open(), await open(), await open()]) {
    t.same(await page.join(channel), shared);
    t.same(await page.events(channel), []);
  }
});

t.test('a page that answers late shares the session from then on', async (t) => {
  const { channel, connect, first: older } = await setUpJoined(t);
  older.client.socket.pong(await older.ping());
  const newer = await connect();
  t.same(await newer.join(channel), { recovered: true, events: 0 });
  const probe = older.pings.find((payload) => payload.startsWith('page-')) ?? '';
  older.client.socket.pong(probe);
  await older.client.fence();
  await newer.cut();
  t.same(await (await connect()).join(channel), { recovered: false, reason: 'shared' });
});

t.test('a page that closes its socket as another connection claims its session is no second one', async (t) => {
  const { api, channel, connect } = await setUpSession(t);
  const older = await connect(true);
  await older.join(channel);
  await api.trigger(channel, 'news', '1');
  await older.client.next(on(channel, 'news'));
  // Its browser still answers.
  older.client.socket.on('ping', (payload) => {
    if (String(payload).startsWith('page-')) older.client.socket.close(1000);
  });
  const newer = await connect(true);
  t.same(await newer.join(channel), { recovered: true, events: 1 }, 'what was acknowledged last does not count');
});

t.test('a connection that subscribes to nothing claims no session', async (t) => {
  const { api, channel, connect, first: winner } = await setUpJoined(t);
  winner.client.socket.pong(await winner.ping());
  // Another transport of the same client, which came second.
  const loser = await connect();
  await loser.client.fence();
  await loser.cut();
  await api.trigger(channel, 'news', '1');
  await winner.client.next(on(channel, 'news'));
  t.notOk(
    winner.pings.some((payload) => payload.startsWith('page-')),
    'nobody asked whether it is there',
  );
});
