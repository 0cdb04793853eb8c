import PusherServer from 'pusher';
import t from 'tap';
import { unique } from '../support/names.ts';
import { connectEcho } from '../support/pusher-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { overEachTransport } from '../support/target.ts';
import { within } from '../support/wait.ts';

/** The stock laravel-echo in Node, as `pusher` and as `reverb`. */
await overEachTransport(t, async (t, target) => {
  const api = new SignedApi(target);

  /** The first call of a callback that Echo is given. */
  function called<T>(register: (callback: (value: T) => void) => unknown, what: string): Promise<T> {
    return within(new Promise<T>((resolve) => register(resolve)), what);
  }

  for (const broadcaster of ['pusher', 'reverb'] as const) {
    t.test(`${broadcaster}: listen, with and without a namespace`, async (t) => {
      const name = unique('orders-');
      const echo = await connectEcho(t, target, broadcaster);
      t.match(echo.socketId(), /^\d+\.\d+$/);
      const channel = echo.channel(name);
      await called((callback) => channel.subscribed(callback), 'the subscription');
      const verbatim = called((callback) => channel.listen('.message.sent', callback), 'message.sent');
      const namespaced = called((callback) => channel.listen('OrderShipped', callback), 'OrderShipped');
      await api.trigger(name, 'message.sent', '{"text":"hi"}');
      await api.trigger(name, 'App\\Events\\OrderShipped', '{"id":7}');
      t.strictSame(await verbatim, { text: 'hi' });
      t.strictSame(await namespaced, { id: 7 });
    });

    t.test(`${broadcaster}: private, notification and whisper`, async (t) => {
      const name = unique('user.');
      const [one, two] = [await connectEcho(t, target, broadcaster), await connectEcho(t, target, broadcaster)];
      const [ones, twos] = [one.private(name), two.private(name)];
      for (const channel of [ones, twos]) await called((callback) => channel.subscribed(callback), 'the subscription');
      const whisper = called((callback) => twos.listenForWhisper('typing', callback), 'the whisper');
      ones.whisper('typing', { name: 'Ada' });
      t.strictSame(await whisper, { name: 'Ada' });
      const note = called((callback) => ones.notification(callback), 'the notification');
      const event = 'Illuminate\\Notifications\\Events\\BroadcastNotificationCreated';
      await api.trigger(`private-${name}`, event, '{"type":"x"}');
      t.strictSame(await note, { type: 'x' });
    });

    t.test(`${broadcaster}: here, joining and leaving`, async (t) => {
      const name = unique('chat.');
      const ada = await connectEcho(t, target, broadcaster, {}, { id: '1', user_info: { name: 'Ada' } });
      const room = ada.join(name);
      t.strictSame(await called((callback) => room.here(callback), 'here'), [{ name: 'Ada' }]);
      const joining = called((callback) => room.joining(callback), 'joining');
      const leaving = called((callback) => room.leaving(callback), 'leaving');
      const grace = await connectEcho(t, target, broadcaster, {}, { id: '2', user_info: { name: 'Grace' } });
      const here = await called<object[]>((callback) => grace.join(name).here(callback), 'here');
      t.equal(here.length, 2);
      t.strictSame(await joining, { name: 'Grace' });
      grace.leave(name);
      t.strictSame(await leaving, { name: 'Grace' });
    });

    t.test(`${broadcaster}: a refusal reaches error()`, async (t) => {
      const echo = await connectEcho(t, target, broadcaster, {
        channelAuthorization: {
          customHandler: (_: unknown, callback: (error: null, data: { auth: string }) => void) =>
            callback(null, { auth: 'not:right' }),
        },
      });
      const error = await called((callback) => echo.private(unique('c')).error(callback), 'the error');
      t.match(error, { type: 'AuthError', status: 401 });
    });
  }

  t.test('toOthers: the sender by its socket id, through the Node library', async (t) => {
    const { hostname, port } = new URL(target.origin);
    const { appId, key, secret } = target;
    const server = new PusherServer({ appId, key, secret, host: hostname, port, useTLS: false });
    const name = unique('c');
    const [sender, other] = [await connectEcho(t, target, 'pusher'), await connectEcho(t, target, 'pusher')];
    const seen: string[] = [];
    const [from, to] = [sender.channel(name), other.channel(name)];
    for (const channel of [from, to]) await called((callback) => channel.subscribed(callback), 'the subscription');
    from.listen('.sent', () => seen.push('sender'));
    const received = called((callback) => to.listen('.sent', callback), 'the event');
    const fence = called((callback) => from.listen('.fence', callback), 'the fence');
    await server.trigger(name, 'sent', { n: 1 }, { socket_id: sender.socketId() ?? '' });
    await server.trigger(name, 'fence', {});
    t.strictSame(await received, { n: 1 });
    await fence;
    t.strictSame(seen, []);
  });
});
