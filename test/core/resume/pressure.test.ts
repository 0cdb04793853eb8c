import { randomUUID } from 'node:crypto';
import t from 'tap';
import { unique } from '../../support/names.ts';
import { emitted } from '../../support/pusher-client.ts';
import { decoded, on, RawClient } from '../../support/raw-client.ts';
import { connectResumable, goOffline, goOnline, Listener, QUICK, startSite } from '../../support/resume.ts';
import { until, within } from '../../support/wait.ts';

/** Each has a server of its own, and most of its time it waits. */
t.jobs = 4;

const KB = 1024;

t.test('a slow reader is closed with 4100, comes back, and has missed nothing', async (t) => {
  const site = await startSite(t, {
    connections: { maxBackpressureBytes: 4096 * KB, slowReaderGraceSeconds: 10 },
    resume: { ...QUICK, maxEventsPerChannel: 10_000, maxBytesPerChannel: 2048 * KB },
  });
  const path = `/resume/${randomUUID()}/app/${site.target.key}?protocol=7`;
  const [flood, quiet] = [unique('flood-'), unique('quiet-')];
  const reader = await RawClient.connect(t, site.target, { path });
  for (const channel of [flood, quiet]) {
    await reader.subscribe(channel);
    await reader.next(on(channel, 'fanfare:resumed'));
  }
  reader.socket.pause();
  site.network.stopReading();
  // Far more than the buffers of the kernel hold on the way.
  for (let number = 1; number <= 300; number += 1) {
    await site.api.trigger(flood, 'flood', 'x'.repeat(90 * KB));
    if (number % 3 === 0) await site.api.trigger(quiet, 'news', JSON.stringify({ number: number / 3 }));
  }
  site.network.thaw();
  reader.socket.resume();
  t.equal((await within(reader.closed, 'the close', 15_000)).code, 4100);
  const again = await RawClient.connect(t, site.target, { path });
  await again.subscribe(quiet);
  t.match(decoded(await again.next(on(quiet, 'fanfare:resumed'))), { recovered: true });
  await again.fence();
  // What it read last may have stayed without acknowledgement, and comes again.
  const [before, after] = [numbersOf(reader, quiet), numbersOf(again, quiet)];
  t.same(before, countTo(before.length), 'in order until the close');
  t.same(after, countTo(100).slice(-after.length), 'in order from then on');
  t.ok(before.length + after.length >= 100, 'and none is missing');
});

t.test('replays of many channels, far more in all than may wait for a socket', async (t) => {
  const site = await startSite(t, {
    connections: { maxBackpressureBytes: 1024 * KB },
    resume: { ...QUICK, maxBytesPerChannel: 512 * KB },
  });
  const pusher = await connectResumable(t, site.target);
  const channels = Array.from({ length: 40 }, () => unique('room-'));
  const listeners = channels.map((channel) => new Listener(pusher, channel));
  for (const listener of listeners) await listener.isResumed(1);
  await goOffline(site, pusher);
  const filler = 'x'.repeat(9 * KB);
  for (let number = 1; number <= 30; number += 1) {
    const { status } = await site.api.post('/events', {
      name: 'news',
      data: JSON.stringify([number, filler]),
      channels,
    });
    t.equal(status, 200);
  }
  let closings = 0;
  pusher.connection.bind('state_change', ({ previous }: { previous: string }) => {
    if (previous === 'connected') closings += 1;
  });
  site.network.delayMs = 3;
  await goOnline(site, pusher);
  closings = 0;
  for (const listener of listeners) t.same(await listener.isResumed(2), { recovered: true, events: 30 });
  // What it counts comes behind it.
  await until(() => listeners.every(({ heard }) => heard.length >= 30), 'all that was missed');
  for (const { heard } of listeners)
    t.same(
      (heard as [number][]).map(([number]) => number),
      countTo(30),
    );
  t.equal(closings, 0, 'the connection stood');
});

t.test('a stop asks clients to leave at an even pace, and they resume elsewhere', async (t) => {
  const site = await startSite(t, { shutdownGraceSeconds: 2 });
  const clients = await Promise.all(
    Array.from({ length: 40 }, async () => {
      const pusher = await connectResumable(t, site.target);
      return { pusher, left: emitted(pusher.connection, 'connecting') };
    }),
  );
  const begunMs = performance.now();
  const leftMs: number[] = [];
  site.network.isOffline = true;
  const all = clients.map(({ left }) => left.then(() => leftMs.push(performance.now() - begunMs)));
  await Promise.all([site.stop(), ...all]);
  leftMs.sort((a, b) => a - b);
  // 40 clients in 80 % of two seconds.
  for (const [index, ms] of leftMs.entries())
    t.ok(ms >= (index - 3) * 40 - 50, `the ${index + 1}th left after ${ms} ms`);
  t.ok((leftMs.at(-1) ?? 0) < 2200);
});

function numbersOf(client: RawClient, channel: string): number[] {
  const frames = client.frames.filter(on(channel, 'news'));
  return frames.map((frame) => (decoded(frame) as { number: number }).number);
}

function countTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
