import t from 'tap';
import { openClientPage } from '../support/chromium.ts';
import { unique } from '../support/names.ts';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { channelAuth, userAuth } from '../support/signing.ts';
import { openTarget } from '../support/target.ts';

/** The stock clients in a browser; this process signs for them as an application's backend would. */
const target = await openTarget(t);
const api = new SignedApi(target);
const page = await openClientPage(t);
await page.expose('sign', (socketId: string, channelName: string) => {
  const data = channelName.startsWith('presence-') ? '{"user_id":"browser","user_info":{"name":"Ada"}}' : undefined;
  const auth = channelAuth(target, socketId, channelName, data);
  return data === undefined ? { auth } : { auth, channel_data: data };
});
const { hostname, port } = new URL(target.origin);
await page.run(`window.options = {
  key: ${JSON.stringify(target.key)}, cluster: '', wsHost: '${hostname}', wsPort: ${port}, forceTLS: false,
  enabledTransports: ['ws'], disableStats: true,
  channelAuthorization: {
    customHandler: ({ socketId, channelName }, callback) =>
      sign(socketId, channelName).then((signed) => callback(null, signed), (error) => callback(error, null)),
  },
};`);

t.test('pusher-js: connection, public and presence channels, client events', async (t) => {
  const name = unique('c');
  await page.run(`(() => {
    window.pusher = new Pusher(options.key, options);
    pusher.connection.bind('connected', () => report('connected', pusher.connection.socket_id));
    pusher.subscribe('${name}').bind('message.sent', (data) => report('message.sent', data));
    pusher.channel('${name}').bind('pusher:subscription_succeeded', () => report('subscribed', null));
    const room = pusher.subscribe('presence-${name}');
    room.bind('pusher:subscription_succeeded', ({ count, me }) => report('members', { count, me }));
    room.bind('pusher:member_added', (member) => report('added', member));
    room.bind('pusher:member_removed', (member) => report('removed', member));
    room.bind('client-hello', (data, metadata) => report('hello', { data, metadata }));
  })()`);
  t.match(await page.reported('connected'), /^\d+\.\d+$/);
  await page.reported('subscribed');
  await api.trigger(name, 'message.sent', '{"text":"żółw \\u2028 😀"}');
  t.strictSame(await page.reported('message.sent'), { text: 'żółw \u2028 😀' });
  t.strictSame(await page.reported('members'), { count: 1, me: { id: 'browser', info: { name: 'Ada' } } });

  const client = await RawClient.connect(t, target);
  await client.subscribe(`presence-${name}`, '{"user_id":"raw","user_info":{"n":1}}');
  t.strictSame(await page.reported('added'), { id: 'raw', info: { n: 1 } });
  client.send({ event: 'client-hello', channel: `presence-${name}`, data: { to: 'browser' } });
  t.strictSame(await page.reported('hello'), { data: { to: 'browser' }, metadata: { user_id: 'raw' } });
  await page.run(`pusher.channel('presence-${name}').trigger('client-hello', { to: 'raw' })`);
  t.match(await client.next('client-hello'), { data: '{"to":"raw"}', user_id: 'browser' });
  await client.close();
  t.strictSame(await page.reported('removed'), { id: 'raw', info: { n: 1 } });
  await page.run('pusher.disconnect()');
});

for (const broadcaster of ['pusher', 'reverb']) {
  t.test(`laravel-echo, broadcaster ${broadcaster}`, async (t) => {
    const name = unique('domain.');
    await page.run(`(() => {
      window.echo = new Echo.default({ ...options, broadcaster: '${broadcaster}' });
      echo.private('${name}').listen('.message.sent', (data) => report('private', data))
        .subscribed(() => report('subscribed', echo.socketId()))
        .listenForWhisper('typing', (data) => report('typing', data));
      echo.join('${name}').here((members) => report('here', members)).joining((member) => report('joining', member))
        .leaving((member) => report('leaving', member));
    })()`);
    await page.reported('subscribed');
    await api.trigger(`private-${name}`, 'message.sent', '{"text":"hi"}');
    t.strictSame(await page.reported('private'), { text: 'hi' });
    t.strictSame(await page.reported('here'), [{ name: 'Ada' }]);

    const client = await RawClient.connect(t, target);
    await client.subscribe(`private-${name}`);
    client.send({ event: 'client-typing', channel: `private-${name}`, data: { by: 'raw' } });
    t.strictSame(await page.reported('typing'), { by: 'raw' });
    await page.run(`echo.private('${name}').whisper('typing', { by: 'browser' })`);
    t.match(await client.next('client-typing'), { data: '{"by":"browser"}' });
    await client.subscribe(`presence-${name}`, '{"user_id":"raw","user_info":{"name":"Raw"}}');
    t.strictSame(await page.reported('joining'), { name: 'Raw' });
    client.unsubscribe(`presence-${name}`);
    t.strictSame(await page.reported('leaving'), { name: 'Raw' });
    await page.run('echo.disconnect()');
  });
}

t.test('a bad key: 4001, and the browser does not try again', async (t) => {
  await page.run(`(() => {
    window.bad = new Pusher('no-such-key', options);
    bad.connection.bind('error', (error) => report('error', error));
    bad.connection.bind('state_change', ({ current }) => report(current, null));
  })()`);
  t.match(await page.reported('error'), { error: { data: { code: 4001 } } });
  await page.reported('disconnected');
  t.equal(await page.run('bad.connection.state'), 'disconnected');
});

t.test('sign-in, and a user whose connections are terminated does not come back', async (t) => {
  const [id, friend] = [unique('u'), unique('f')];
  await page.expose('signUser', (socketId: string) => {
    const userData = JSON.stringify({ id, watchlist: [friend] });
    return { auth: userAuth(target, socketId, userData), user_data: userData };
  });
  await page.run(`(() => {
    const customHandler = ({ socketId }, callback) => signUser(socketId).then((signed) => callback(null, signed));
    window.signed = new Pusher(options.key, { ...options, userAuthentication: { customHandler } });
    signed.user.bind('note', (data) => report('note', data));
    signed.user.watchlist.bind('online', (event) => report('online', event));
    signed.connection.bind('state_change', ({ current }) => report('state', current));
    signed.signin();
    signed.user.signinDonePromise.then(() => report('signed in', signed.user.user_data.id));
  })()`);
  t.equal(await page.reported('signed in'), id);
  await page.run(`(() => {
    const own = signed.user.serverToUserChannel;
    if (own.subscribed) report('own channel', null);
    else own.bind('pusher:subscription_succeeded', () => report('own channel', null));
  })()`);
  await page.reported('own channel');
  await api.trigger(`#server-to-user-${id}`, 'note', '{"n":1}');
  t.strictSame(await page.reported('note'), { n: 1 });
  const other = await RawClient.connect(t, target);
  await other.signIn({ id: friend });
  t.match(await page.reported('online'), { user_ids: [friend] });

  await api.post(`/users/${id}/terminate_connections`, {});
  for (const state of ['connected', 'disconnected']) t.equal(await page.reported('state'), state);
  t.equal(await page.run('signed.connection.state'), 'disconnected');
});
