import t from 'tap';
import { unique } from '../../support/names.ts';
import { RawClient } from '../../support/raw-client.ts';
import { QUICK } from '../../support/resume.ts';
import { setUpJoined, setUpSession } from '../../support/session-client.ts';
import { startFanfare } from '../../support/target.ts';
import { until } from '../../support/wait.ts';

/** Each has a server of its own, and most of its time it waits. */
t.jobs = 4;

t.test('what a ping carried and a pong brought back is received; the rest is sent again', async (t) => {
  const { api, channel, connect, first, deliver } = await setUpJoined(t);
  await deliver('1');
  await first.acknowledge();
  // Deliveries less than 50 ms apart may be taken together.
  await new Promise((resolve) => setTimeout(resolve, 60));
  await deliver('2');
  await first.cut();
  await api.trigger(channel, 'news', '3');
  const second = await connect();
  t.same(await second.join(channel), { recovered: true, events: 2 });
  t.same(await second.events(channel), ['2', '3']);
});

t.test('without any acknowledgement everything since joining is sent again', async (t) => {
  const { channel, connect, first, deliver } = await setUpJoined(t);
  await deliver('1');
  await first.ping();
  await first.cut();
  t.same(await (await connect()).join(channel), { recovered: true, events: 1 });
});

t.test('a replay that was not acknowledged is sent again; one that was, is not', async (t) => {
  const { api, channel, connect, first } = await setUpJoined(t);
  await first.cut();
  await api.trigger(channel, 'news', '1');
  await api.trigger(channel, 'news', '2');
  const second = await connect();
  t.same(await second.join(channel), { recovered: true, events: 2 });
  await second.cut();
  const third = await connect();
  t.same(await third.join(channel), { recovered: true, events: 2 });
  await third.acknowledge();
  await third.cut();
  t.same(await (await connect()).join(channel), { recovered: true, events: 0 });
});

t.test('a pong for more than was asked, or for what nobody asked, is no acknowledgement', async (t) => {
  // Asked once, after the join.
  const { channel, connect, first, deliver } = await setUpJoined(t, {
    resume: { ackIntervalSeconds: 60, checkpointSeconds: 1 },
  });
  const asked = Number(await first.ping());
  await deliver('1');
  for (const forged of [asked + 1, asked + 1e9, Number.POSITIVE_INFINITY, Number.NaN, -1, '', 'x', ' ']) {
    first.client.socket.pong(String(forged));
  }
  await first.client.fence();
  await first.cut();
  t.same(await (await connect()).join(channel), { recovered: true, events: 1 });
});

t.test('a pong that comes late, after a newer one, takes nothing back', async (t) => {
  const { api, channel, connect, first } = await setUpJoined(t);
  const stale = await first.ping();
  const asked = first.pings.length;
  // It may be asked in the same write.
  await api.trigger(channel, 'news', '1');
  await until(() => first.pings.length > asked, 'another ping');
  first.client.socket.pong(first.pings.at(-1));
  first.client.socket.pong(stale);
  await first.client.fence();
  await first.cut();
  t.same(await (await connect()).join(channel), { recovered: true, events: 0 });
});

t.test('pings are sent where there is something to acknowledge, and otherwise not', async (t) => {
  const { api, channel, first } = await setUpJoined(t);
  first.client.socket.pong(await first.ping());
  const count = first.pings.length;
  await new Promise((resolve) => setTimeout(resolve, 2200));
  t.equal(first.pings.length, count, 'nothing was delivered');
  await api.trigger(unique('other-'), 'news', '1');
  await api.trigger(channel, 'news', '1');
  // It rides on the delivery, and so may be here before the answer to the trigger.
  await until(() => first.pings.length > count, 'a ping');
});

t.test('word of a gap stands until it is acknowledged', async (t) => {
  const { api, channel, connect, first } = await setUpJoined(t, { resume: { ...QUICK, maxEventsPerChannel: 2 } });
  await first.cut();
  for (const data of ['1', '2', '3']) await api.trigger(channel, 'news', data);
  const second = await connect();
  t.same(await second.join(channel), { recovered: false, reason: 'gap' });
  await second.cut();
  const third = await connect();
  t.same(await third.join(channel), { recovered: false, reason: 'gap' }, 'the client may not have heard of it');
  await third.acknowledge();
  await third.cut();
  await api.trigger(channel, 'news', '4');
  t.same(await (await connect()).join(channel), { recovered: true, events: 1 });
});

t.test('a rewind that was not acknowledged is sent again', async (t) => {
  const channel = unique('private-user-');
  const app = { id: 'app-id', key: 'app-key', secret: 'app-secret' };
  const { api, connect } = await setUpSession(t, {
    apps: [{ ...app, rewind: [{ channels: 'private-user-*', events: 2, seconds: 60 }] }],
  });
  for (const data of ['1', '2', '3']) await api.trigger(channel, 'news', data);
  const first = await connect();
  t.same(await first.join(channel), { recovered: false, reason: 'unknown' });
  t.same(await first.events(channel), ['2', '3']);
  await first.cut();
  const second = await connect();
  t.same(await second.join(channel), { recovered: true, events: 2 });
  t.same(await second.events(channel), ['2', '3']);
});

t.test('tokens that are too short are refused with a sentence that says what is wanted', async (t) => {
  const target = await startFanfare(t);
  for (const token of ['short', 'x'.repeat(21), `${'x'.repeat(30)}.`, '']) {
    const path = `/resume/${token}/app/${target.key}?protocol=7`;
    const client = RawClient.open(t, target, { path });
    const error = await client.next('pusher:error');
    t.match(error.data, { code: 4005, message: /22 to 200 .* UUID/ });
    t.equal((await client.closed).code, 4005);
  }
});

t.test('a session remembers what was not subscribed to again, for the next time', async (t) => {
  const { api, channel, connect, first } = await setUpJoined(t);
  await first.cut();
  await api.trigger(channel, 'news', '1');
  const second = await connect();
  await second.join(unique('other-'));
  await second.cut();
  t.same(await (await connect()).join(channel), { recovered: true, events: 1 });
});

t.test('what is acknowledged in the last moments of a connection that its client closes does not count', async (t) => {
  const { channel, connect, first, deliver } = await setUpJoined(t);
  await deliver('1');
  await first.acknowledge();
  first.client.socket.close(1000);
  await first.client.closed;
  // A page whose socket is closing answers pings, and drops what it receives.
  t.same(await (await connect()).join(channel), { recovered: true, events: 1 });
});

t.test('a busy client is asked after about a second, a quiet one seldom', async (t) => {
  const { api, channel, first, deliver } = await setUpJoined(t, {
    resume: { ackIntervalSeconds: 60, checkpointSeconds: 60 },
  });
  const { client, ping, pings } = first;
  client.socket.pong(await ping());
  await deliver('1');
  await new Promise((resolve) => setTimeout(resolve, 2500));
  t.equal(pings.length, 1, 'for one event it is not asked again so soon');
  for (let number = 2; number <= 8; number += 1) {
    await api.trigger(channel, 'news', String(number));
    // Those less than 50 ms apart count as one.
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  await until(() => pings.length === 2, 'it is asked');
});
