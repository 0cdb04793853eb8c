import { SignJWT } from 'jose';
import PusherServer from 'pusher';
import t from 'tap';
import { openClientPage } from '../support/chromium.ts';
import { connectEcho, connectPusher, emitted } from '../support/pusher-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { APP, AUTH, JWT_SECRET, startFanfare } from '../support/target.ts';
import { within } from '../support/wait.ts';

/** The stock clients authorized by Fanfare itself, with a JWT in their bearer header: end to end. */
const masterKey = Buffer.alloc(32, 7).toString('base64');
const target = await startFanfare(t, { auth: AUTH, apps: [{ ...APP, encryptionMasterKey: masterKey }] });
const api = new SignedApi(target);
const token = (claims: Record<string, unknown>) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('5 min').sign(Buffer.from(JWT_SECRET));
const jwt = await token({ sub: '42', name: 'Ada', domains: [7], chats: ['5'] });
const headers = { Authorization: `Bearer ${jwt}` };
const endpoint = `${target.origin}/broadcasting/auth`;
const userEndpoint = `${target.origin}/broadcasting/user-auth`;
const SUCCESS = 'pusher:subscription_succeeded';

function called<T>(register: (callback: (value: T) => void) => unknown, what: string): Promise<T> {
  return within(new Promise<T>((resolve) => register(resolve)), what);
}

t.test('pusher-js in Node: private-domain.7 by token', async (t) => {
  const pusher = await connectPusher(t, target, {
    channelAuthorization: { endpoint, transport: 'ajax', headers },
    userAuthentication: { endpoint: userEndpoint, transport: 'ajax', headers },
  });
  const channel = pusher.subscribe('private-domain.7');
  await emitted(channel, SUCCESS);
  const event = emitted(channel, 'message.sent');
  await api.trigger('private-domain.7', 'message.sent', '{"text":"żółw"}');
  t.strictSame(await event, { text: 'żółw' });

  const denied = await emitted(pusher.subscribe('private-domain.8'), 'pusher:subscription_error');
  t.match(denied, { type: 'AuthError', status: 403 });

  const room = (await emitted(pusher.subscribe('presence-chat.5'), SUCCESS)) as { me: unknown };
  t.strictSame(room.me, { id: '42', info: { name: 'Ada' } });

  pusher.signin();
  await pusher.user.signinDonePromise;
  t.equal(pusher.user.user_data.id, '42');
  const note = emitted(pusher.user, 'note');
  await emitted(pusher.user.serverToUserChannel, SUCCESS);
  await api.trigger('#server-to-user-42', 'note', '{"n":1}');
  t.strictSame(await note, { n: 1 });
});

t.test('pusher-js in Node: an encrypted channel, sealed by the Node library with the same master key', async (t) => {
  const { appId, key, secret, port } = target;
  const server = new PusherServer({
    ...{ appId, key, secret, host: '127.0.0.1', port: String(port), useTLS: false },
    encryptionMasterKeyBase64: masterKey,
  });
  const pusher = await connectPusher(t, target, {
    channelAuthorization: { endpoint, transport: 'ajax', headers },
  });
  const channel = pusher.subscribe('private-encrypted-domain.7');
  await emitted(channel, SUCCESS);
  const opened = emitted(channel, 'sealed');
  await server.trigger('private-encrypted-domain.7', 'sealed', { text: 'żółw' });
  t.strictSame(await opened, { text: 'żółw' });
});

t.test('pusher-js in Node: without a token, and with a bad one', async (t) => {
  for (const bad of [{}, { Authorization: 'Bearer garbage' }]) {
    const pusher = await connectPusher(t, target, {
      channelAuthorization: { endpoint, transport: 'ajax', headers: bad },
    });
    const error = await emitted(pusher.subscribe('private-domain.7'), 'pusher:subscription_error');
    t.match(error, { type: 'AuthError', status: Number });
    t.ok([401, 403].includes((error as { status: number }).status));
    t.equal(pusher.connection.state, 'connected');
  }
});

for (const broadcaster of ['pusher', 'reverb'] as const) {
  t.test(`laravel-echo in Node, ${broadcaster}: bearerToken`, async (t) => {
    const echo = await connectEcho(t, target, broadcaster, {
      channelAuthorization: undefined,
      userAuthentication: { endpoint: userEndpoint, headers: {} },
      authEndpoint: endpoint,
      bearerToken: jwt,
    });
    const channel = echo.private('domain.7');
    await called((callback) => channel.subscribed(callback), 'the subscription');
    const event = called((callback) => channel.listen('.message.sent', callback), 'the event');
    await api.trigger('private-domain.7', 'message.sent', '{"n":1}');
    t.strictSame(await event, { n: 1 });
    t.strictSame(await called((callback) => echo.join('chat.5').here(callback), 'here'), [{ name: 'Ada' }]);
    t.match(await called((callback) => echo.private('domain.8').error(callback), 'the error'), { status: 403 });
  });
}

t.test('in Chromium, from a page of another origin', async (t) => {
  const page = await openClientPage(t);
  const { hostname, port } = new URL(target.origin);
  await page.run(`window.options = {
    key: '${target.key}', cluster: '', wsHost: '${hostname}', wsPort: ${port}, forceTLS: false,
    enabledTransports: ['ws'],
    disableStats: true,
  };`);
  await t.test('pusher-js', async (t) => {
    await page.run(`(() => {
      const headers = { Authorization: 'Bearer ${jwt}' };
      window.pusher = new Pusher(options.key, {
        ...options,
        channelAuthorization: { endpoint: '${endpoint}', headers },
        userAuthentication: { endpoint: '${userEndpoint}', headers },
      });
      const channel = pusher.subscribe('private-domain.7');
      channel.bind('pusher:subscription_succeeded', () => report('subscribed', null));
      channel.bind('message.sent', (data) => report('event', data));
      pusher.subscribe('private-domain.8').bind('pusher:subscription_error', (error) => report('denied', error));
      pusher.signin();
      pusher.user.signinDonePromise.then(() => report('signed in', pusher.user.user_data.id));
    })()`);
    await page.reported('subscribed');
    await api.trigger('private-domain.7', 'message.sent', '{"text":"hi"}');
    t.strictSame(await page.reported('event'), { text: 'hi' });
    t.match(await page.reported('denied'), { type: 'AuthError', status: 403 });
    t.equal(await page.reported('signed in'), '42');
    await page.run('pusher.disconnect()');
  });
  for (const broadcaster of ['pusher', 'reverb']) {
    await t.test(`laravel-echo, ${broadcaster}`, async (t) => {
      await page.run(`(() => {
        window.echo = new Echo.default({
          ...options, broadcaster: '${broadcaster}', authEndpoint: '${endpoint}', bearerToken: '${jwt}',
        });
        echo.private('domain.7').listen('.message.sent', (data) => report('event', data))
          .subscribed(() => report('subscribed', null));
        echo.join('chat.5').here((members) => report('here', members));
        echo.private('domain.8').error((error) => report('denied', error));
      })()`);
      await page.reported('subscribed');
      await api.trigger('private-domain.7', 'message.sent', '{"text":"echo"}');
      t.strictSame(await page.reported('event'), { text: 'echo' });
      t.strictSame(await page.reported('here'), [{ name: 'Ada' }]);
      t.match(await page.reported('denied'), { status: 403 });
      await page.run('echo.disconnect()');
    });
  }
});
