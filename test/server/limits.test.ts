import t from 'tap';
import { unique } from '../support/names.ts';
import { decoded, errorCode, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { APP, startFanfare, targetAt } from '../support/target.ts';

const app = (id: string, limits: object) => ({ id, key: `${id}-key`, secret: `${id}-secret`, limits });
const apps = {
  tiny: app('tiny', {
    maxEventBytes: 10,
    maxChannelNameLength: 20,
    maxEventNameLength: 12,
    maxChannelsPerEvent: 2,
    maxBatchEvents: 2,
  }),
  rooms: app('rooms', { maxPresenceMembers: 2, maxPresenceMemberBytes: 40, maxUserIdLength: 5, maxWatchlist: 2 }),
  few: app('few', { maxChannelsPerConnection: 2 }),
  slow: app('slow', { triggersPerSecond: 3, readsPerSecond: 2, clientEventsPerSecond: 1 }),
};
const main = await startFanfare(t, { apps: [APP, ...Object.values(apps)] });
const at = (name: keyof typeof apps) => targetAt(main.origin, apps[name]);
const SUCCESS = 'pusher_internal:subscription_succeeded';
const REFUSAL = 'pusher:subscription_error';

t.test('names, data, channels and batches at and over their limits', async (t) => {
  const api = new SignedApi(at('tiny'));
  const statusOf = async (name: string, data: string, channels: string[]) =>
    (await api.post('/events', { name, data, channels })).status;
  t.equal(await statusOf('x'.repeat(12), 'x'.repeat(10), ['c'.repeat(20), 'd']), 200, 'at every limit');
  t.equal(await statusOf('x'.repeat(13), '', ['c']), 400);
  t.equal(await statusOf('x', '', ['c'.repeat(21)]), 400);
  t.equal(await statusOf('x', '', ['a', 'b', 'c']), 400);
  const large = await api.post('/events', { name: 'x', data: 'ż'.repeat(6), channels: ['c'] });
  t.equal(large.status, 413, 'bytes, not characters');
  t.match(large.text, 'The data content of this event exceeds the allowed maximum (10 bytes)');
  const event = { channel: 'c', name: 'x', data: '' };
  t.equal((await api.post('/batch_events', { batch: [event, event] })).status, 200);
  const batch = await api.post('/batch_events', { batch: [event, event, event] });
  t.equal(batch.status, 400);
  t.match(batch.text, 'Batch too large');

  const client = await RawClient.connect(t, at('tiny'));
  t.equal((await client.subscribe('c'.repeat(20))).event, SUCCESS);
  t.equal((await client.subscribe('c'.repeat(21))).event, REFUSAL);
});

t.test('a client event over its limits: code null, no close', async (t) => {
  const [sender, receiver] = [await RawClient.connect(t, at('tiny')), await RawClient.connect(t, at('tiny'))];
  for (const client of [sender, receiver]) await client.subscribe('private-c');
  sender.send({ event: 'client-x', channel: 'private-c', data: 'x'.repeat(11) });
  t.equal(errorCode(await sender.next('pusher:error')), null);
  sender.send({ event: 'client-x', channel: 'private-c', data: { long: 'enough' } });
  t.equal(errorCode(await sender.next('pusher:error')), null, 'as it would be stringified');
  sender.send({ event: `client-${'x'.repeat(6)}`, channel: 'private-c', data: '' });
  t.equal(errorCode(await sender.next('pusher:error')), null);
  sender.send({ event: 'client-x', channel: 'private-c', data: 'x'.repeat(10) });
  t.equal((await receiver.next((frame) => frame.event.startsWith('client-'))).data, 'x'.repeat(10));
});

t.test('presence: members, bytes of user_info, characters of a user id', async (t) => {
  const target = at('rooms');
  const channel = `presence-${unique('c')}`;
  const join = async (member: object) => {
    const client = await RawClient.connect(t, target);
    return { client, answer: await client.subscribe(channel, JSON.stringify(member)) };
  };
  const ada = await join({ user_id: '1' });
  t.equal(ada.answer.event, SUCCESS);
  t.equal((await join({ user_id: '2' })).answer.event, SUCCESS);
  const third = await join({ user_id: '3' });
  t.equal(third.answer.event, REFUSAL, 'a third member');
  t.match(third.answer.data, { type: String, error: /\w+ \w+/, status: Number });
  const again = await join({ user_id: '1' });
  t.equal(again.answer.event, SUCCESS, 'a second connection of a member is no new member');
  t.equal((decoded(again.answer) as { presence: { count: number } }).presence.count, 2);
  await ada.client.close();
  await again.client.close();
  await third.client.fence();
  t.equal((await third.client.subscribe(channel, '{"user_id":"3"}')).event, SUCCESS, 'a place that was left');

  const other = await RawClient.connect(t, target);
  const sized = async (member: object) =>
    (await other.subscribe(`presence-${unique('c')}`, JSON.stringify(member))).event;
  t.equal(await sized({ user_id: '1', user_info: 'x'.repeat(38) }), SUCCESS, '40 bytes of JSON');
  t.equal(await sized({ user_id: '1', user_info: 'x'.repeat(39) }), REFUSAL);
  t.equal(await sized({ user_id: '1', user_info: 'ż'.repeat(20) }), REFUSAL, 'bytes, not characters');
  t.equal(await sized({ user_id: '12345' }), SUCCESS);
  t.equal(await sized({ user_id: '123456' }), REFUSAL);
  t.equal(other.socket.readyState, 1);
});

t.test('the defaults: 100 members, 1 KB a member, 128 characters a user id', async (t) => {
  const channel = `presence-${unique('c')}`;
  const clients = await Promise.all(Array.from({ length: 101 }, () => RawClient.connect(t, main)));
  const answers: string[] = [];
  for (const [i, client] of clients.entries()) {
    answers.push((await client.subscribe(channel, JSON.stringify({ user_id: `u${i}` }))).event);
  }
  t.strictSame([answers.filter((event) => event === SUCCESS).length, answers[100]], [100, REFUSAL]);
  const [client] = clients;
  const join = async (member: object) =>
    (await client?.subscribe(`presence-${unique('c')}`, JSON.stringify(member)))?.event;
  t.equal(await join({ user_id: 'x'.repeat(128), user_info: 'x'.repeat(1022) }), SUCCESS);
  t.equal(await join({ user_id: 'x'.repeat(129) }), REFUSAL);
  t.equal(await join({ user_id: '1', user_info: 'x'.repeat(1023) }), REFUSAL);
});

t.test('a watchlist over its limit: success, and 4302', async (t) => {
  const client = await RawClient.connect(t, at('rooms'));
  t.equal((await client.signIn({ id: 'w', watchlist: ['a', 'b', 'c'] })).event, 'pusher:signin_success');
  t.equal(errorCode(await client.next('pusher:error')), 4302);
  const friend = await RawClient.connect(t, at('rooms'));
  await friend.signIn({ id: 'a' });
  t.match((await client.next('pusher_internal:watchlist_events')).data, '"a"', 'the first ones are watched');
});

t.test('channels of one connection', async (t) => {
  const client = await RawClient.connect(t, at('few'));
  t.equal((await client.subscribe('a')).event, SUCCESS);
  t.equal((await client.subscribe('b')).event, SUCCESS);
  t.equal((await client.subscribe('c')).event, REFUSAL);
  client.unsubscribe('a');
  t.equal((await client.subscribe('c')).event, SUCCESS);
});

t.test('rates: 429 with Retry-After for backends, 4301 for clients', async (t) => {
  const api = new SignedApi(at('slow'));
  const event = { name: 'e', data: '{}', channels: ['c'] };
  const posts = [];
  for (let i = 0; i < 8; i += 1) posts.push(await api.post('/events', event));
  const refused = posts.filter((answer) => answer.status === 429);
  t.ok(refused.length >= 1 && refused.length < 8, `${refused.length} of 8 triggers are refused`);
  t.match(refused[0]?.headers['retry-after'], /^[1-9]\d*$/);
  t.match(refused[0]?.text, /\w+ \w+/);
  const reads = [];
  for (let i = 0; i < 6; i += 1) reads.push(await api.get('/channels'));
  t.ok(reads.some((answer) => answer.status === 429 && /^[1-9]/.test(String(answer.headers['retry-after']))));

  const client = await RawClient.connect(t, at('slow'));
  await client.subscribe('private-c');
  for (let i = 0; i < 3; i += 1) client.send({ event: 'client-x', channel: 'private-c', data: '' });
  t.equal(errorCode(await client.next('pusher:error')), 4301);
});
