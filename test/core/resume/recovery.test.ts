import t from 'tap';
import { unique } from '../../support/names.ts';
import { createPusher, emitted } from '../../support/pusher-client.ts';
import { connectResumable, goOffline, goOnline, Listener, QUICK, startSite } from '../../support/resume.ts';
import { until } from '../../support/wait.ts';

/** Each has a server of its own, and most of its time it waits. */
t.jobs = 4;

t.test('what was published while a client was away comes when it is back, in order, before what follows', async (t) => {
  const site = await startSite(t);
  const pusher = await connectResumable(t, site.target);
  const channel = unique('room-');
  const listener = new Listener(pusher, channel);
  t.same(await listener.isResumed(1), { recovered: false, reason: 'unknown' }, 'the server knows of nothing before');
  await site.api.trigger(channel, 'news', '1');
  await listener.hears(1);

  await goOffline(site, pusher);
  for (const data of ['2', '3', '4']) await site.api.trigger(channel, 'news', data);
  await goOnline(site, pusher);
  const { recovered, events } = await listener.isResumed(2);
  t.equal(recovered, true);
  t.ok(events === 3 || events === 4, 'the first may come again: it need not be acknowledged yet');
  await site.api.trigger(channel, 'news', '5');
  const heard = await listener.hears(4 + (events ?? 0) - 2);
  t.same(heard.slice(-4), [2, 3, 4, 5]);
  t.same(new Set(heard), new Set([1, 2, 3, 4, 5]));
});

t.test('what was acknowledged is not sent again', async (t) => {
  const site = await startSite(t);
  const pusher = await connectResumable(t, site.target);
  const channel = unique('room-');
  const listener = new Listener(pusher, channel);
  await listener.isResumed(1);
  await site.api.trigger(channel, 'news', '1');
  await listener.hears(1);
  // Two rounds of acknowledgement: after the second, the first has surely come back.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await goOffline(site, pusher);
  await site.api.trigger(channel, 'news', '2');
  await goOnline(site, pusher);
  t.same(await listener.isResumed(2), { recovered: true, events: 1 });
  t.same(await listener.hears(2), [1, 2]);
});

t.test('a server that does not notice that the client has gone', async (t) => {
  const site = await startSite(t);
  const pusher = await connectResumable(t, site.target);
  const channel = unique('room-');
  const listener = new Listener(pusher, channel);
  await listener.isResumed(1);
  site.network.isOffline = true;
  site.network.vanish();
  await until(() => pusher.connection.state !== 'connected', 'the client notices');
  for (const data of ['1', '2']) await site.api.trigger(channel, 'news', data);
  const { json } = await site.api.get(`/channels/${channel}`, { info: 'subscription_count' });
  t.match(json, { subscription_count: 1 }, 'for the server it is still there');
  await goOnline(site, pusher);
  t.same(await listener.isResumed(2), { recovered: true, events: 2 });
  t.same(await listener.hears(2), [1, 2]);
  await site.api.trigger(channel, 'news', '3');
  t.same(await listener.hears(3), [1, 2, 3]);
});

t.test('a connection that freezes and thaws loses nothing and is not resumed', async (t) => {
  const site = await startSite(t);
  const pusher = await connectResumable(t, site.target);
  const channel = unique('room-');
  const listener = new Listener(pusher, channel);
  await listener.isResumed(1);
  site.network.freeze();
  for (const data of ['1', '2']) await site.api.trigger(channel, 'news', data);
  site.network.thaw();
  t.same(await listener.hears(2), [1, 2]);
  t.equal(listener.resumed.length, 1);
});

t.test(
  'cut again and again amid a stream of events: none is missed, each cut repeats the unacknowledged at most',
  async (t) => {
    const site = await startSite(t);
    site.network.delayMs = 5;
    const pusher = await connectResumable(t, site.target);
    const channel = unique('room-');
    const listener = new Listener(pusher, channel);
    await listener.isResumed(1);
    let published = 0;
    for (let cut = 0; cut < 3; cut += 1) {
      for (let event = 0; event < 40; event += 1) {
        published += 1;
        await site.api.trigger(channel, 'news', String(published));
        if (event === 20) site.network.cut();
      }
      await listener.isResumed(cut + 2);
    }
    await until(() => listener.heard.at(-1) === published, 'the last event');
    const firsts = [...new Set(listener.heard)];
    t.same(
      firsts,
      Array.from({ length: published }, (_, index) => index + 1),
      'each, and first in its order',
    );
    t.ok(listener.resumed.slice(1).every(({ recovered }) => recovered));
    const repeated = listener.resumed.slice(1).reduce((sum, { events = 0 }) => sum + events, 0);
    t.ok(listener.heard.length <= published + repeated);
  },
);

t.test('only the channels that were subscribed, and each from where it was', async (t) => {
  const site = await startSite(t);
  const pusher = await connectResumable(t, site.target);
  const [one, two, late] = [unique('one-'), unique('two-'), unique('late-')];
  const first = new Listener(pusher, one);
  const second = new Listener(pusher, two);
  await first.isResumed(1);
  await second.isResumed(1);
  pusher.unsubscribe(two);
  await goOffline(site, pusher);
  for (const channel of [one, two, late]) await site.api.trigger(channel, 'news', '1');
  const third = new Listener(pusher, late);
  await goOnline(site, pusher);
  t.same(await first.isResumed(2), { recovered: true, events: 1 });
  t.same(await third.isResumed(1), { recovered: false, reason: 'unknown' });
  t.equal(second.resumed.length, 1, 'left is left');
  t.same(third.heard, []);
});

t.test('a plain client gets nothing of all this', async (t) => {
  const site = await startSite(t);
  const pusher = createPusher(t, site.target);
  const channel = unique('room-');
  const listener = new Listener(pusher, channel);
  await emitted(pusher.channel(channel), 'pusher:subscription_succeeded');
  await goOffline(site, pusher);
  await site.api.trigger(channel, 'news', '1');
  await goOnline(site, pusher);
  await emitted(pusher.channel(channel), 'pusher:subscription_succeeded');
  await site.api.trigger(channel, 'news', '2');
  t.same(await listener.hears(1), [2]);
  t.same(listener.resumed, []);
});

t.test('the log is trimmed: the gap is told, and the client goes on from there', async (t) => {
  const site = await startSite(t, { resume: { ...QUICK, maxEventsPerChannel: 2 } });
  const pusher = await connectResumable(t, site.target);
  const channel = unique('room-');
  const listener = new Listener(pusher, channel);
  await listener.isResumed(1);
  await goOffline(site, pusher);
  for (const data of ['1', '2', '3']) await site.api.trigger(channel, 'news', data);
  await goOnline(site, pusher);
  t.same(await listener.isResumed(2), { recovered: false, reason: 'gap' });
  await site.api.trigger(channel, 'news', '4');
  t.same(await listener.hears(1), [4]);
});

t.test('the window has passed', async (t) => {
  const site = await startSite(t, { resume: { ...QUICK, windowSeconds: 10 } });
  const pusher = await connectResumable(t, site.target);
  const channel = unique('room-');
  const listener = new Listener(pusher, channel);
  await listener.isResumed(1);
  await goOffline(site, pusher);
  await site.api.trigger(channel, 'news', '1');
  await new Promise((resolve) => setTimeout(resolve, 11_500));
  await goOnline(site, pusher);
  t.same(await listener.isResumed(2), { recovered: false, reason: 'gap' });
  await site.api.trigger(channel, 'news', '2');
  t.same(await listener.hears(1), [2]);
});
