import { createRequire } from 'node:module';
import type { default as PusherModule } from 'pusher-js';
import t, { type Test } from 'tap';
import { resumable } from '../../client/index.ts';
import { unique } from '../support/names.ts';
import { clientOptions, connectEcho, Pusher } from '../support/pusher-client.ts';
import { connectResumable, goOffline, goOnline, Listener, type Site, startSite } from '../support/resume.ts';
import { until } from '../support/wait.ts';

type PusherClass = typeof PusherModule.default;
type Client = InstanceType<PusherClass>;

const CLIENTS = new Map<string, PusherClass>([['8.6', Pusher]]);
CLIENTS.set('7.6', createRequire(import.meta.url)('pusher-js-7') as PusherClass);
/** A client that is sent little is not asked what it has received, so that the server sends all of it again. */
const NEVER_ASKED = { resume: { ackIntervalSeconds: 60, checkpointSeconds: 60 } };

function connect(t: Test, { target }: Site, Stock: PusherClass, gaps: string[] = []): Client {
  const user = { id: 'u1', user_info: { name: 'Ann' } };
  const options = resumable(Stock, clientOptions(target, user), { onGap: (channel) => gaps.push(channel) });
  const pusher = new Stock(target.key, options);
  t.teardown(() => pusher.disconnect());
  return pusher;
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

for (const [version, Stock] of CLIENTS) {
  t.test(`pusher-js ${version}: each event once, in order, on every kind of channel`, async (t) => {
    const site = await startSite(t, NEVER_ASKED);
    const gaps: string[] = [];
    const pusher = connect(t, site, Stock, gaps);
    const channels = ['room-', 'private-room-', 'presence-room-', 'private-cache-room-'].map(unique);
    const listeners = channels.map((channel) => new Listener(pusher, channel));
    const global: unknown[] = [];
    pusher.bind_global((event: string, data: unknown) => {
      if (event === 'news') global.push(data);
    });
    for (const listener of listeners) await listener.isResumed(1);
    let published = 0;
    const publish = async (count: number) => {
      for (let event = 0; event < count; event += 1) {
        published += 1;
        for (const channel of channels) await site.api.trigger(channel, 'news', String(published));
      }
    };
    // pusher-js 7 gives a transport up whose connections have ended uncleanly twice.
    const rounds = version === '7.6' ? 1 : 3;
    for (let round = 2; round < 2 + rounds; round += 1) {
      // So much may be asked about, and no answer is to get through: the server is to send it all again.
      site.network.mute();
      await publish(3);
      for (const listener of listeners) await listener.hears(published);
      await goOffline(site, pusher);
      await publish(2);
      await goOnline(site, pusher);
      for (const listener of listeners) {
        const { events = 0 } = await listener.isResumed(round);
        t.ok(events >= 3 + 2, `the server sent ${events}: what was heard, and what was missed`);
      }
    }
    await publish(1);
    for (const listener of listeners) t.same(await listener.hears(published), numbers(published));
    t.equal(global.length, published * channels.length, 'global bindings hear each once too');
    t.same(gaps, []);
  });
}

t.test('without it, the same client hears twice what was not acknowledged', async (t) => {
  const site = await startSite(t, NEVER_ASKED);
  const pusher = await connectResumable(t, site.target);
  const channel = unique('room-');
  const listener = new Listener(pusher, channel);
  await listener.isResumed(1);
  await site.api.trigger(channel, 'news', '1');
  await listener.hears(1);
  await goOffline(site, pusher);
  await goOnline(site, pusher);
  t.same(await listener.isResumed(2), { recovered: true, events: 1 });
  t.same(await listener.hears(2), [1, 1]);
});

t.test('Laravel Echo: the same options', async (t) => {
  const site = await startSite(t, NEVER_ASKED);
  const echo = await connectEcho(t, site.target, 'reverb', { ...resumable(Pusher, {}) });
  const channel = unique('room-');
  const heard: unknown[] = [];
  let resumedCount = 0;
  echo
    .channel(channel)
    .listen('.news', (data: unknown) => heard.push(data))
    .listen('.fanfare:resumed', () => {
      resumedCount += 1;
    });
  await until(() => resumedCount === 1, 'the subscription');
  await site.api.trigger(channel, 'news', '1');
  await until(() => heard.length === 1, 'the first event');
  await goOffline(site, echo.connector.pusher);
  await site.api.trigger(channel, 'news', '2');
  await goOnline(site, echo.connector.pusher);
  await until(() => heard.length >= 2 && resumedCount === 2, 'what was missed');
  await site.api.trigger(channel, 'news', '3');
  await until(() => heard.length >= 3, 'the last event');
  t.same(heard, [1, 2, 3]);
});

t.test('a server that lost its sessions is a gap to the page, and a first subscription is none', async (t) => {
  const first = await startSite(t, NEVER_ASKED);
  const gaps: string[] = [];
  const pusher = connect(t, first, Pusher, gaps);
  const [joined, later] = [unique('room-'), unique('room-')];
  const listener = new Listener(pusher, joined);
  await listener.isResumed(1);
  await goOffline(first, pusher);
  await first.stop();
  const second = await startSite(t, NEVER_ASKED);
  first.network.servers = [Number(new URL(second.origin).port)];
  const listenerLater = new Listener(pusher, later);
  await goOnline(first, pusher);
  t.same(await listener.isResumed(2), { recovered: false, reason: 'unknown' });
  await listenerLater.isResumed(1);
  t.same(gaps, [joined]);
});
