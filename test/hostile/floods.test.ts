import t from 'tap';
import { unique } from '../support/names.ts';
import { on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { APP, startFanfare } from '../support/target.ts';
import { until, within } from '../support/wait.ts';

const target = await startFanfare(t, {
  apps: [{ ...APP, limits: { maxChannelsPerConnection: 0 } }],
  // How much one may send in a second is for send-rate.test.ts.
  connections: { maxReceiveBytesPerSecond: '1GB' },
});
const api = new SignedApi(target);
const listed = async () => Object.keys(((await api.get('/channels')).json as { channels: object }).channels).length;

/** Fewer than may wait for their turn. */
const AT_ONCE = 2000;

t.test('4,000 subscribes of one connection: each has its answer, and its end is clean', async (t) => {
  const channel = unique('c');
  const bystander = await RawClient.connect(t, target);
  await bystander.subscribe(channel);
  const client = await RawClient.connect(t, target);
  const subscribeSome = (from: number) => {
    for (let i = from; i < from + AT_ONCE; i += 1) {
      client.send(`{"event":"pusher:subscribe","data":{"channel":"flood-${i}"}}`);
    }
  };
  subscribeSome(0);
  const asked = performance.now();
  await api.trigger(channel, 'meanwhile', '{}');
  await bystander.next(on(channel, 'meanwhile'));
  t.comment(`a bystander waited ${Math.round(performance.now() - asked)} ms for an event`);
  for (let from = AT_ONCE; from < 4000; from += AT_ONCE) {
    await client.next(on(`flood-${from - 1}`, 'pusher_internal:subscription_succeeded'), 20_000);
    subscribeSome(from);
  }
  await client.next(on('flood-3999', 'pusher_internal:subscription_succeeded'), 20_000);
  t.equal(client.unread('pusher_internal:subscription_succeeded').length, 4000 - 4000 / AT_ONCE);
  t.equal(await listed(), 4001);
  client.cut();
  await until(async () => (await listed()) === 1, 'every channel is vacated', 20_000);
});

t.test('10,000 refused subscribes and client events', async (t) => {
  const client = await RawClient.connect(t, target);
  for (let from = 0; from < 5000; from += AT_ONCE / 2) {
    for (let i = from; i < from + AT_ONCE / 2; i += 1) {
      client.send(`{"event":"pusher:subscribe","data":{"channel":"private-${i}","auth":"app-key:wrong"}}`);
      client.send(`{"event":"client-x","channel":"private-${i}","data":{}}`);
    }
    const refused = () => client.unread('pusher:subscription_error').length;
    await until(() => refused() === from + AT_ONCE / 2, 'each is refused', 20_000);
  }
  t.equal(client.socket.readyState, 1);
});

t.test('300 connections come at once, and go at once', async (t) => {
  const channel = unique('c');
  const clients = await Promise.all(Array.from({ length: 300 }, () => RawClient.connect(t, target)));
  await Promise.all(clients.map((client) => client.subscribe(channel)));
  await api.trigger(channel, 'e', '{}');
  await Promise.all(clients.map((client) => client.next('e')));
  t.match((await api.get(`/channels/${channel}`, { info: 'subscription_count' })).json, { subscription_count: 300 });
  for (const client of clients) client.cut();
  await until(async () => {
    const { json } = await api.get(`/channels/${channel}`);
    return (json as { occupied: boolean }).occupied === false;
  }, 'the channel is vacated');
});

t.test('a flood of requests is answered', async (t) => {
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, i) =>
      i % 5 === 0
        ? api.request({ path: '/apps/app-id/channels', secret: 'wrong' })
        : api.post('/events', { name: 'e', data: '{}', channels: ['c'] }),
    ),
  );
  t.equal(answers.filter((answer) => answer.status === 200).length, 400);
  t.equal(answers.filter((answer) => answer.status === 401).length, 100);
});

t.test('connections that end while others publish to them', async (t) => {
  const channel = `presence-${unique('c')}`;
  const watcher = await RawClient.connect(t, target);
  await watcher.subscribe(channel, '{"user_id":"w"}');
  let sent = 0;
  for (let round = 0; round < 15; round += 1) {
    const clients = await Promise.all(Array.from({ length: 10 }, () => RawClient.connect(t, target)));
    for (const [i, client] of clients.entries()) {
      const user = JSON.stringify({ user_id: `u${round}-${i % 4}` });
      // What is asked of a connection that is cut in the same breath is done for a socket that is gone.
      client.sendSubscribe(channel, user);
      client.sendSubscribe(`cache-${channel}`);
      client.send({ event: 'client-x', channel, data: {} });
      if (i % 3 === 0) client.unsubscribe(channel);
      if (i % 2 === 0) client.cut();
    }
    const publishing = Array.from({ length: 5 }, () => api.trigger(channel, 'n', String(sent++)));
    for (const client of clients) client.cut();
    await Promise.all(publishing);
  }
  await until(async () => {
    const { json } = await api.get(`/channels/${channel}`, { info: 'user_count,subscription_count' });
    const { user_count: users, subscription_count: subscriptions } = json as Record<string, number>;
    return users === 1 && subscriptions === 1;
  }, 'the watcher alone is left');
  await api.trigger(channel, 'end', '{}');
  await watcher.next('end');
  t.equal(watcher.unread('n').length, sent, 'the watcher has seen every event');
  const added = watcher.unread('pusher_internal:member_added').length;
  await until(() => watcher.unread('pusher_internal:member_removed').length === added, 'who came has gone');
});

t.test('terminated while subscribing, signing in again and closing', async (t) => {
  const id = unique('u');
  for (let round = 0; round < 10; round += 1) {
    const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(t, target)));
    await Promise.all(clients.map((client) => client.signIn({ id })));
    for (const client of clients) for (let i = 0; i < 20; i += 1) client.sendSubscribe(`late-${i}`);
    t.equal((await api.post(`/users/${id}/terminate_connections`, '{}')).status, 200);
    await Promise.all(clients.map((client) => within(client.closed, 'the close')));
  }
  await until(async () => (await listed()) === 0, 'nothing is left of them');
});
