import PusherServer from 'pusher';
import t from 'tap';
import { unique } from '../support/names.ts';
import { connectPusher, createPusher, emitted } from '../support/pusher-client.ts';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { overEachTransport } from '../support/target.ts';

/** The stock pusher-js in Node. */
await overEachTransport(t, async (t, target) => {
  const api = new SignedApi(target);
  const SUCCESS = 'pusher:subscription_succeeded';

  t.test('connects, and receives decoded events', async (t) => {
    const channel = unique('c');
    const pusher = await connectPusher(t, target);
    t.match(pusher.connection.socket_id, /^\d+\.\d+$/);
    const subscribed = pusher.subscribe(channel);
    await emitted(subscribed, SUCCESS);
    const event = emitted(subscribed, 'message.sent');
    const everywhere = emitted(pusher, 'message.sent');
    await api.trigger(channel, 'message.sent', '{"text":"żółw"}');
    t.strictSame(await event, { text: 'żółw' });
    t.strictSame(await everywhere, { text: 'żółw' });
  });

  t.test('presence: members, me, and those who come and go', async (t) => {
    const name = `presence-${unique('c')}`;
    const ada = await connectPusher(t, target, {}, { id: 'ada', user_info: { name: 'Ada' } });
    const adas = ada.subscribe(name);
    const members = (await emitted(adas, SUCCESS)) as { count: number; me: unknown };
    t.equal(members.count, 1);
    t.strictSame(members.me, { id: 'ada', info: { name: 'Ada' } });

    const added = emitted(adas, 'pusher:member_added');
    const grace = await connectPusher(t, target, {}, { id: 'grace', user_info: { name: 'Grace' } });
    const graces = grace.subscribe(name);
    const both = (await emitted(graces, SUCCESS)) as { count: number; get(id: string): unknown };
    t.equal(both.count, 2);
    t.strictSame(both.get('ada'), { id: 'ada', info: { name: 'Ada' } });
    t.strictSame(await added, { id: 'grace', info: { name: 'Grace' } });
    t.equal(members.count, 2, 'the client keeps count');

    const typing = new Promise<unknown[]>((resolve) =>
      adas.bind('client-typing', (...args: unknown[]) => resolve(args)),
    );
    graces.trigger('client-typing', { at: 1 });
    t.strictSame(await typing, [{ at: 1 }, { user_id: 'grace' }], 'a client event with its sender');

    const removed = emitted(adas, 'pusher:member_removed');
    grace.unsubscribe(name);
    t.strictSame(await removed, { id: 'grace', info: { name: 'Grace' } });
    t.equal(members.count, 1);
  });

  t.test('a refusal reaches the application on its channel', async (t) => {
    const pusher = await connectPusher(t, target, {
      channelAuthorization: { customHandler: (_, callback) => callback(null, { auth: `${target.key}:wrong` }) },
    });
    const channel = pusher.subscribe(`private-${unique('c')}`);
    t.match(await emitted(channel, 'pusher:subscription_error'), { type: 'AuthError', error: String, status: 401 });
    t.equal(pusher.connection.state, 'connected');
  });

  t.test('encrypted: what the server library seals, the client opens', async (t) => {
    const { hostname, port } = new URL(target.origin);
    const server = new PusherServer({
      appId: target.appId,
      key: target.key,
      secret: target.secret,
      host: hostname,
      port,
      useTLS: false,
      encryptionMasterKeyBase64: Buffer.alloc(32, 7).toString('base64'),
    });
    const name = `private-encrypted-${unique('c')}`;
    const pusher = await connectPusher(t, target, {
      channelAuthorization: {
        customHandler: ({ socketId, channelName }, callback) =>
          callback(null, server.authorizeChannel(socketId, channelName)),
      },
    });
    const channel = pusher.subscribe(name);
    await emitted(channel, SUCCESS);
    const opened = emitted(channel, 'sealed');
    const seen = await RawClient.connect(t, target);
    await seen.subscribe(name);
    await server.trigger(name, 'sealed', { secret: 'żółw' });
    t.strictSame(await opened, { secret: 'żółw' });
    t.notMatch((await seen.next('sealed')).raw, /secret/, 'on the wire it is sealed');
  });

  t.test('sign-in: events to the user, and who of the watchlist is online', async (t) => {
    const [me, friend] = [unique('me-'), unique('friend-')];
    const pusher = await connectPusher(t, target, {}, { id: me, watchlist: [friend] });
    const online = emitted(pusher.user.watchlist, 'online');
    const offline = emitted(pusher.user.watchlist, 'offline');
    pusher.signin();
    t.match(await pusher.user.signinDonePromise, undefined);
    t.equal(pusher.user.user_data.id, me);
    await emitted(pusher.user.serverToUserChannel, SUCCESS);
    const note = emitted(pusher.user, 'note');
    await api.trigger(`#server-to-user-${me}`, 'note', '{"n":1}');
    t.strictSame(await note, { n: 1 });

    const other = await connectPusher(t, target, {}, { id: friend });
    other.signin();
    t.match(await online, { user_ids: [friend] });
    other.disconnect();
    t.match(await offline, { user_ids: [friend] });
  });

  t.test('a cache channel: the miss, and the event that is kept', async (t) => {
    const name = `cache-${unique('c')}`;
    const pusher = await connectPusher(t, target);
    await emitted(pusher.subscribe(name), 'pusher:cache_miss');
    await api.trigger(name, 'kept', '{"n":1}');
    const later = await connectPusher(t, target);
    t.strictSame(await emitted(later.subscribe(name), 'kept'), { n: 1 });
  });

  t.test('subscribe before connecting, unsubscribe, subscribe again', async (t) => {
    const name = unique('c');
    const pusher = createPusher(t, target);
    await emitted(pusher.subscribe(name), SUCCESS);
    pusher.unsubscribe(name);
    await emitted(pusher.subscribe(name), SUCCESS);
  });

  t.test("the client's own pings keep a silent connection", async (t) => {
    const pusher = await connectPusher(t, target, { activityTimeout: 100, pongTimeout: 1000 });
    const { socket_id: socketId } = pusher.connection;
    for (let i = 0; i < 3; i += 1) await emitted(pusher.connection, 'message');
    t.equal(pusher.connection.state, 'connected');
    t.equal(pusher.connection.socket_id, socketId, 'the same connection');
  });

  t.test('an unknown key: an error 4001, disconnected, and no further try', async (t) => {
    const pusher = createPusher(t, { ...target, key: 'no-such-key' });
    const states: string[] = [];
    pusher.connection.bind('state_change', ({ current }: { current: string }) => states.push(current));
    const error = await emitted(pusher.connection, 'error');
    t.match(error, { error: { data: { code: 4001, message: String } } });
    t.equal(pusher.connection.state, 'disconnected');
    t.notOk(states.includes('unavailable'));
  });
});
