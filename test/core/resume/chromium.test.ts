import { randomUUID } from 'node:crypto';
import t from 'tap';
import { openClientPage } from '../../support/chromium.ts';
import { unique } from '../../support/names.ts';
import { startSite } from '../../support/resume.ts';
import { APP } from '../../support/target.ts';
import { until } from '../../support/wait.ts';

/**
 * A browser that loses its network and gets it back. Chromium's offline mode tells the page and refuses new
 * connections, but leaves WebSockets alone that are open: those are cut by the network in front of the server.
 */
t.test('Chromium goes offline and online again, three times, and no event is missed', async (t) => {
  const site = await startSite(t);
  const page = await openClientPage(t);
  const channel = unique('room-');
  await page.run(`
    window.heard = [];
    window.pusher = new Pusher(${JSON.stringify(APP.key)}, {
      cluster: '', wsHost: '127.0.0.1', wsPort: ${site.network.port}, forceTLS: false, enabledTransports: ['ws'],
      wsPath: '/resume/${randomUUID()}',
    });
    pusher.connection.bind('state_change', ({ current }) => report(current, null));
    const channel = pusher.subscribe(${JSON.stringify(channel)});
    channel.bind('news', (number) => heard.push(number));
    channel.bind('fanfare:resumed', (data) => report('resumed', data));
  `);
  t.same(await page.reported('resumed'), { recovered: false, reason: 'unknown' });

  let published = 0;
  const publish = async (count: number) => {
    for (let event = 0; event < count; event += 1) {
      published += 1;
      await site.api.trigger(channel, 'news', String(published));
    }
  };
  for (let round = 0; round < 3; round += 1) {
    await publish(5);
    site.network.isOffline = true;
    site.network.cut();
    await page.setOffline(true);
    await publish(10);
    site.network.isOffline = false;
    await page.setOffline(false);
    const resumed = (await page.reported('resumed', 15_000)) as { recovered: boolean; events: number };
    t.equal(resumed.recovered, true);
    t.ok(resumed.events >= 10 && resumed.events <= published, `${resumed.events} of ${published} came again`);
    await publish(5);
  }
  const heard = async () => (await page.run('heard')) as number[];
  await until(async () => (await heard()).at(-1) === published, 'the last event');
  const all = await heard();
  t.same(
    [...new Set(all)],
    Array.from({ length: published }, (_, index) => index + 1),
  );
});
