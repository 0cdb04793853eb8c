import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import PusherLibrary from 'pusher';
import type { Options } from 'pusher-js';
import t from 'tap';
import { resumable } from '../../client/index.ts';
import { unique } from '../support/names.ts';
import { clientOptions, emitted, Pusher } from '../support/pusher-client.ts';
import { Listener, type Site, startSite } from '../support/resume.ts';
import { channelAuth } from '../support/signing.ts';
import { APP, CLIENT_TRANSPORTS } from '../support/target.ts';
import { until } from '../support/wait.ts';

type Client = InstanceType<typeof Pusher>;

/** Each has a server of its own, and most of its time it waits. */
t.jobs = 3;

/** The stock client asks its page for the cipher; this one is pusher-js's own dependency. */
const require = createRequire(createRequire(import.meta.url).resolve('pusher-js'));
const nacl = require('tweetnacl') as NonNullable<Options['nacl']>;
const masterKey = randomBytes(32);
const user = { id: 'u1', user_info: { name: 'Ann' } };
const KINDS = ['', 'private-', 'presence-', 'cache-', 'presence-cache-', 'private-encrypted-'];
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Cuts once; but a client that polls is not to be caught between two requests. */
async function cutOff({ network }: Site, polls: boolean, ...clients: readonly Client[]): Promise<void> {
  network.cut();
  if (!polls) return;
  await until(() => {
    network.cut();
    return clients.every(({ connection }) => connection.state !== 'connected');
  }, 'all are cut off');
}

for (const transport of CLIENT_TRANSPORTS) {
  t.test(`by ${transport}: each event once on every kind of channel`, async (t) => {
    // Nothing is acknowledged before a cut but what was joined, so that the server sends all of it again.
    const site = await startSite(t, { resume: { ackIntervalSeconds: 60, checkpointSeconds: 60 } });
    const target = { ...site.target, transport };
    const gaps: string[] = [];
    const options: Options = {
      ...clientOptions(target, user),
      nacl,
      channelAuthorization: {
        customHandler: ({ socketId, channelName }, callback) => {
          const { id: user_id, user_info } = user;
          const member = channelName.startsWith('presence-') ? JSON.stringify({ user_id, user_info }) : undefined;
          const secret = createHash('sha256').update(channelName).update(masterKey).digest('base64');
          callback(null, {
            auth: channelAuth(target, socketId, channelName, member),
            ...(member === undefined ? {} : { channel_data: member }),
            ...(channelName.startsWith('private-encrypted-') ? { shared_secret: secret } : {}),
          });
        },
      },
    };
    const pusher = new Pusher(target.key, resumable(Pusher, options, { onGap: (channel) => gaps.push(channel) }));
    t.teardown(() => pusher.disconnect());
    const channels = KINDS.map((kind) => unique(`${kind}room-`));
    const listeners = channels.map((channel) => new Listener(pusher, channel));
    const own = { channel: `#server-to-user-${user.id}`, heard: [] as unknown[] };
    pusher.user.bind('news', (data: unknown) => own.heard.push(data));
    pusher.signin();
    for (const listener of listeners) await listener.isResumed(1);
    await pusher.user.signinDonePromise;

    const backend = new PusherLibrary({
      ...{ appId: APP.id, key: APP.key, secret: APP.secret, host: '127.0.0.1', useTLS: false },
      port: new URL(site.origin).port,
      encryptionMasterKeyBase64: masterKey.toString('base64'),
    });
    const publish = async (number: number) => {
      for (const channel of [...channels, own.channel]) {
        // Backends encrypt by the official library.
        if (channel.startsWith('private-encrypted-')) await backend.trigger(channel, 'news', number);
        else await site.api.trigger(channel, 'news', String(number));
      }
    };
    await until(async () => {
      const { json } = await site.api.get(`/channels/${encodeURIComponent(own.channel)}`);
      return (json as { occupied?: boolean }).occupied === true;
    }, "the user's own channel is joined");
    let published = 0;
    // Over HTTP, pusher-js gives a transport up whose connections have ended uncleanly twice.
    const rounds = transport === 'ws' ? 3 : 1;
    for (let round = 2; round < 2 + rounds; round += 1) {
      for (let event = 0; event < 2; event += 1) await publish(++published);
      for (const listener of listeners) await listener.hears(published);
      const connected = emitted(pusher.connection, 'connected', 20_000);
      await cutOff(site, transport === 'xhr_polling', pusher);
      await publish(++published);
      await connected;
      for (const listener of listeners) t.match(await listener.isResumed(round), { recovered: true });
    }
    await publish(++published);
    for (const listener of listeners) t.strictSame(await listener.hears(published), numbers(published));
    await until(() => own.heard.length >= published, "the user's own events");
    t.strictSame(own.heard, numbers(published));
    t.strictSame(gaps, []);
  });

  t.test(`by ${transport}: two pages with one token are both told`, async (t) => {
    const site = await startSite(t);
    const wsPath = `/resume/${unique('a-token-that-is-long-enough-')}`;
    const channel = unique('room-');
    const clients: Client[] = [];
    const open = () => {
      const options = clientOptions({ ...site.target, transport });
      const pusher = new Pusher(site.target.key, { ...options, wsPath, httpPath: `${wsPath}/pusher` });
      t.teardown(() => pusher.disconnect());
      clients.push(pusher);
      return new Listener(pusher, channel);
    };
    const older = open();
    t.strictSame(await older.isResumed(1), { recovered: false, reason: 'unknown' });
    const newer = open();
    t.strictSame(await newer.isResumed(1), { recovered: false, reason: 'shared' });
    await cutOff(site, transport === 'xhr_polling', ...clients);
    for (const page of [older, newer]) {
      await until(() => page.resumed.length > 1, 'it is back', 20_000);
      t.strictSame(page.resumed.at(-1), { recovered: false, reason: 'shared' });
    }
  });
}
