import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import PusherLibrary from 'pusher';
import type { Options, PresenceChannel } from 'pusher-js';
import t from 'tap';
import { unique } from '../../support/names.ts';
import { connectPusher, createPusher, emitted } from '../../support/pusher-client.ts';
import { connectResumable, goOffline, goOnline, Listener, startSite } from '../../support/resume.ts';
import { channelAuth } from '../../support/signing.ts';
import { APP } from '../../support/target.ts';
import { until } from '../../support/wait.ts';

/** Each has a server of its own, and most of its time it waits. */
t.jobs = 4;

const apps = [{ ...APP, clientEvents: true }];
const user = (id: string) => ({ id, user_info: { name: id } });

for (const prefix of ['', 'private-', 'presence-', 'cache-', 'private-cache-', 'presence-cache-']) {
  t.test(`${prefix || 'public '}channels`, async (t) => {
    const site = await startSite(t);
    const pusher = await connectResumable(t, site.target, {}, user('1'));
    const channel = unique(`${prefix}room-`);
    const listener = new Listener(pusher, channel);
    t.same(await listener.isResumed(1), { recovered: false, reason: 'unknown' });
    await goOffline(site, pusher);
    for (const data of ['1', '2', '3']) await site.api.trigger(channel, 'news', data);
    await goOnline(site, pusher);
    t.same(await listener.isResumed(2), { recovered: true, events: 3 });
    await site.api.trigger(channel, 'news', '4');
    t.same(await listener.hears(4), [1, 2, 3, 4]);
  });
}

t.test('presence: the roster after resuming is the present one', async (t) => {
  const site = await startSite(t);
  const pusher = await connectResumable(t, site.target, {}, user('me'));
  const name = unique('presence-room-');
  const listener = new Listener(pusher, name);
  const channel = pusher.channel(name) as PresenceChannel;
  await listener.isResumed(1);
  const direct = { wsPort: Number(new URL(site.origin).port) };
  const leaver = await connectPusher(t, site.target, direct, user('leaver'));
  leaver.subscribe(name);
  await emitted(channel, 'pusher:member_added');
  await goOffline(site, pusher);
  leaver.disconnect();
  const comer = await connectPusher(t, site.target, direct, user('comer'));
  await emitted(comer.subscribe(name), 'pusher:subscription_succeeded');
  await site.api.trigger(name, 'news', '1');
  await goOnline(site, pusher);
  t.same(await listener.isResumed(2), { recovered: true, events: 1 });
  t.same(Object.keys(channel.members.members).sort(), ['comer', 'me']);
  t.same(listener.heard, [1]);
});

t.test('a cache channel that has recovered is not sent its last event once more', async (t) => {
  const site = await startSite(t);
  const pusher = await connectResumable(t, site.target);
  const channel = unique('cache-room-');
  const listener = new Listener(pusher, channel);
  let misses = 0;
  pusher.channel(channel).bind('pusher:cache_miss', () => {
    misses += 1;
  });
  await listener.isResumed(1);
  await site.api.trigger(channel, 'news', '1');
  await listener.hears(1);
  // Two rounds of acknowledgement: after the second, the first has surely come back.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await goOffline(site, pusher);
  await goOnline(site, pusher);
  t.same(await listener.isResumed(2), { recovered: true, events: 0 });
  await site.api.trigger(channel, 'news', '2');
  t.same(await listener.hears(2), [1, 2]);
  t.equal(misses, 1, 'on the first subscription');
});

t.test('a cache channel that has not recovered gets its last event', async (t) => {
  const site = await startSite(t, { resume: { maxEventsPerChannel: 1, ackIntervalSeconds: 1 } });
  const pusher = await connectResumable(t, site.target);
  const channel = unique('cache-room-');
  const listener = new Listener(pusher, channel);
  await listener.isResumed(1);
  await goOffline(site, pusher);
  for (const data of ['1', '2']) await site.api.trigger(channel, 'news', data);
  await goOnline(site, pusher);
  t.same(await listener.isResumed(2), { recovered: false, reason: 'gap' });
  t.same(await listener.hears(1), [2]);
});

t.test(
  'end-to-end encrypted channels: events are decrypted; the connection tells what the channel keeps to itself',
  async (t) => {
    const site = await startSite(t);
    const masterKey = randomBytes(32);
    // The stock client asks its page for the cipher; this one is pusher-js's own dependency.
    const require = createRequire(createRequire(import.meta.url).resolve('pusher-js'));
    const nacl = require('tweetnacl') as NonNullable<Options['nacl']>;
    const pusher = await connectResumable(t, site.target, {
      nacl,
      channelAuthorization: {
        customHandler: ({ socketId, channelName }, callback) => {
          const secret = createHash('sha256').update(channelName).update(masterKey).digest('base64');
          callback(null, { auth: channelAuth(site.target, socketId, channelName), shared_secret: secret });
        },
      },
    });
    const channel = unique('private-encrypted-room-');
    const listener = new Listener(pusher, channel);
    await listener.isResumed(1);
    const backend = new PusherLibrary({
      appId: APP.id,
      key: APP.key,
      secret: APP.secret,
      host: '127.0.0.1',
      port: String(new URL(site.origin).port),
      useTLS: false,
      encryptionMasterKeyBase64: masterKey.toString('base64'),
    });
    await goOffline(site, pusher);
    await backend.trigger(channel, 'news', { number: 1 });
    await backend.trigger(channel, 'news', { number: 2 });
    await goOnline(site, pusher);
    t.same(await listener.isResumed(2), { recovered: true, events: 2 });
    t.same(await listener.hears(2), [{ number: 1 }, { number: 2 }]);
  },
);

t.test("a signed-in user's own channel", async (t) => {
  const site = await startSite(t);
  const pusher = await connectResumable(t, site.target, {}, { id: unique('user') });
  const own: unknown[] = [];
  pusher.user.bind('news', (data: unknown) => own.push(data));
  pusher.signin();
  await pusher.user.signinDonePromise;
  const channel = `#server-to-user-${pusher.user.user_data.id}`;
  const listener = new Listener(pusher, unique('room-'));
  await listener.isResumed(1);
  await until(async () => {
    await site.api.trigger(channel, 'news', '0');
    return own.length > 0;
  }, 'the channel of the user is joined');
  await goOffline(site, pusher);
  for (const data of ['1', '2']) await site.api.trigger(channel, 'news', data);
  await goOnline(site, pusher);
  await until(() => own.includes(2), 'what the user missed');
  t.same(own.slice(-2), [1, 2]);
});

t.test('client events of others are replayed, those of the client itself are not', async (t) => {
  const site = await startSite(t, { apps });
  const direct = { wsPort: Number(new URL(site.origin).port) };
  const channel = unique('private-room-');
  const pusher = await connectResumable(t, site.target);
  const listener = new Listener(pusher, channel, 'client-note');
  await listener.isResumed(1);
  const other = await connectPusher(t, site.target, direct);
  await emitted(other.subscribe(channel), 'pusher:subscription_succeeded');
  const atOther: unknown[] = [];
  other.channel(channel).bind('client-note', (data: unknown) => atOther.push(data));
  pusher.channel(channel).trigger('client-note', 'mine');
  await until(() => atOther.length === 1, 'the other hears it');
  await goOffline(site, pusher);
  other.channel(channel).trigger('client-note', 'theirs');
  await until(() => site.network.connections > 0, 'the client asks for a connection');
  await goOnline(site, pusher);
  t.same(await listener.isResumed(2), { recovered: true, events: 1 });
  t.same(await listener.hears(1), ['theirs']);
});

t.test('an event that left the client out leaves it out of its replay too', async (t) => {
  const site = await startSite(t);
  const channel = unique('room-');
  const pusher = await connectResumable(t, site.target);
  const listener = new Listener(pusher, channel);
  await listener.isResumed(1);
  const { socket_id: before } = pusher.connection;
  await site.api.trigger(channel, 'news', '"own"', { socket_id: before });
  await goOffline(site, pusher);
  await site.api.trigger(channel, 'news', '"own, a little later"', { socket_id: before });
  await site.api.trigger(channel, 'news', '"of others"', { socket_id: '1.1' });
  await goOnline(site, pusher);
  t.same(await listener.isResumed(2), { recovered: true, events: 1 });
  t.same(await listener.hears(1), ['of others']);
});

t.test('who is no longer authorized gets a refusal and nothing of the past', async (t) => {
  const site = await startSite(t);
  const channel = unique('private-room-');
  let isAllowed = true;
  const pusher = await connectResumable(t, site.target, {
    channelAuthorization: {
      customHandler: ({ socketId, channelName }, callback) => {
        const signer = isAllowed ? site.target : { key: site.target.key, secret: 'no longer' };
        callback(null, { auth: channelAuth(signer, socketId, channelName) });
      },
    },
  });
  const listener = new Listener(pusher, channel);
  const messages: { event: string; channel?: string }[] = [];
  pusher.connection.bind('message', (message: { event: string; channel?: string }) => messages.push(message));
  await listener.isResumed(1);
  await goOffline(site, pusher);
  isAllowed = false;
  await site.api.trigger(channel, 'news', '1');
  messages.length = 0;
  await goOnline(site, pusher);
  await until(() => messages.some(({ event }) => event === 'pusher:subscription_error'), 'the refusal');
  await site.api.trigger(channel, 'news', '2');
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.same(
    messages.filter((message) => message.channel === channel).map(({ event }) => event),
    ['pusher:subscription_error'],
  );
  t.same(listener.heard, []);
});

t.test('rewind: on the first subscription the last events come, resumable or not', async (t) => {
  const rewind = [{ channels: 'private-user-*', events: 2, seconds: 60 }];
  const site = await startSite(t, { apps: [{ ...APP, rewind }] });
  const channel = unique('private-user-');
  for (const data of ['1', '2', '3']) await site.api.trigger(channel, 'news', data);
  for (const connect of [connectResumable, connectPusher]) {
    const pusher = await connect(t, site.target);
    const listener = new Listener(pusher, channel);
    t.same(await listener.hears(2), [2, 3]);
    const other = new Listener(pusher, unique('private-other-'));
    await emitted(pusher.subscribe(unique('private-')), 'pusher:subscription_succeeded');
    t.same(other.heard, []);
  }
  const pusher = createPusher(t, site.target);
  const listener = new Listener(pusher, channel);
  await listener.hears(2);
  await site.api.trigger(channel, 'news', '4');
  t.same(await listener.hears(3), [2, 3, 4]);
});

t.test('a rewound cache channel is sent its last event once, after older ones', async (t) => {
  const rewind = [{ channels: 'cache-*', events: 3, seconds: 60 }];
  const site = await startSite(t, { apps: [{ ...APP, rewind }] });
  const channel = unique('cache-room-');
  for (const data of ['1', '2', '3']) await site.api.trigger(channel, 'news', data);
  const pusher = await connectPusher(t, site.target);
  const listener = new Listener(pusher, channel);
  await emitted(pusher.channel(channel), 'pusher:subscription_succeeded');
  await site.api.trigger(channel, 'news', '4');
  t.same(await listener.hears(4), [1, 2, 3, 4]);
});
