import t from 'tap';
import { unique } from '../support/names.ts';
import { on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { openTarget } from '../support/target.ts';

const target = await openTarget(t);
const api = new SignedApi(target);

t.test('one channel as `channel` or `channels`, several as `channels`', async (t) => {
  const [a, b] = [unique('a'), unique('b')];
  const client = await RawClient.connect(t, target);
  await client.subscribe(a);
  await client.subscribe(b);
  const php = await api.post('/events', { name: 'php', data: '{}', channel: a });
  t.equal(php.status, 200);
  t.equal(php.text, '{}', 'an empty object, never []');
  t.match(php.headers['content-type'], /^application\/json/);
  await client.next(on(a, 'php'));
  t.equal((await api.post('/events', { name: 'node', data: '{}', channels: [a, b] })).text, '{}');
  await client.next(on(a, 'node'));
  await client.next(on(b, 'node'));
  await client.fence();
  t.equal(client.unread('node').length, 0, 'once for each');
});

t.test('an event without subscribers is a 200', async (t) => {
  t.equal((await api.post('/events', { name: 'e', data: '{}', channels: [unique('c')] })).text, '{}');
});

t.test('socket_id leaves that connection out, on every channel', async (t) => {
  const channels = [unique('c'), `private-${unique('c')}`];
  const [sender, other] = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
  for (const client of [sender, other]) for (const channel of channels) await client.subscribe(channel);
  const answer = await api.post('/events', { name: 'toOthers', data: '{}', channels, socket_id: sender.socketId });
  t.equal(answer.text, '{}');
  for (const channel of channels) {
    await other.next(on(channel, 'toOthers'));
    await api.trigger(channel, 'fence', '{}');
    await sender.next(on(channel, 'fence'));
  }
  t.equal(sender.unread('toOthers').length, 0);
});

t.test('a socket_id that is not connected, or not subscribed, is a 200 and reaches all', async (t) => {
  const channel = unique('c');
  const [client, bystander] = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
  await client.subscribe(channel);
  const gone = await RawClient.connect(t, target);
  await gone.close();
  for (const socketId of ['1.1', bystander.socketId, gone.socketId]) {
    const answer = await api.post('/events', { name: 'e', data: socketId, channels: [channel], socket_id: socketId });
    t.equal(answer.status, 200);
    t.equal((await client.next('e')).data, socketId);
  }
});

t.test('a socket_id of another form is a 400', async (t) => {
  for (const socketId of ['x', '1', '1.', '.1', '1.1.1', '1.1\n', '1.1 ', '-1.1', 'a.b', 7, {}, ['1.1']]) {
    const answer = await api.post('/events', { name: 'e', data: '{}', channels: [unique('c')], socket_id: socketId });
    t.equal(answer.status, 400, JSON.stringify(socketId));
    t.match(answer.text, /\w+ \w+/);
  }
});

t.test('info tells of the channels as they are', async (t) => {
  const [plain, presence, empty] = [unique('c'), `presence-${unique('c')}`, unique('c')];
  for (const user of ['1', '1', '2']) {
    const client = await RawClient.connect(t, target);
    await client.subscribe(plain);
    await client.subscribe(presence, JSON.stringify({ user_id: user }));
  }
  const answer = await api.post('/events', {
    name: 'e',
    data: '{}',
    channels: [plain, presence, empty],
    info: 'user_count,subscription_count',
  });
  t.equal(answer.status, 200);
  t.strictSame(answer.json, {
    channels: {
      [plain]: { subscription_count: 3 },
      [presence]: { user_count: 2, subscription_count: 3 },
      [empty]: { subscription_count: 0 },
    },
  });
  const single = await api.post('/events', { name: 'e', data: '{}', channel: presence, info: 'user_count' });
  t.strictSame(single.json, { channels: { [presence]: { user_count: 2 } } });
  const left = await api.post('/events', { name: 'e', data: '{}', channels: [plain], info: 'user_count' });
  t.strictSame(left.json, { channels: { [plain]: {} } }, 'user_count is left out where it has no meaning');
});

t.test('what is no event is a 400 with a sentence', async (t) => {
  const channel = unique('c');
  const bad: [string, unknown][] = [
    ['no JSON', '{'],
    ['an empty body', ''],
    ['an array', []],
    ['a string', '"text"'],
    ['null', 'null'],
    ['no name', { data: '{}', channels: [channel] }],
    ['an empty name', { name: '', data: '{}', channels: [channel] }],
    ['a name that is no string', { name: 7, data: '{}', channels: [channel] }],
    ['a name over 200 characters', { name: 'x'.repeat(201), data: '{}', channels: [channel] }],
    ['no data', { name: 'e', channels: [channel] }],
    ['no channel', { name: 'e', data: '{}' }],
    ['no channels', { name: 'e', data: '{}', channels: [] }],
    ['channels that is a string', { name: 'e', data: '{}', channels: channel }],
    ['a channel that is no string', { name: 'e', data: '{}', channels: [7] }],
    ['a channel that is null', { name: 'e', data: '{}', channels: [channel, null] }],
    ['one bad name among good ones', { name: 'e', data: '{}', channels: [channel, 'not ok'] }],
    ['101 channels', { name: 'e', data: '{}', channels: Array.from({ length: 101 }, (_, i) => `c${i}`) }],
  ];
  const client = await RawClient.connect(t, target);
  await client.subscribe(channel);
  for (const [name, body] of bad) {
    const answer = await api.post('/events', body);
    t.equal(answer.status, 400, name);
    t.match(answer.text, /\w+ \w+/);
  }
  await api.trigger(channel, 'fence', '{}');
  await client.next('fence');
  t.equal(client.unread().length, 0, 'nothing of a refused event was delivered');
});

t.test('100 channels are allowed', async (t) => {
  const channels = Array.from({ length: 100 }, () => unique('c'));
  const client = await RawClient.connect(t, target);
  await client.subscribe(channels[99] ?? '');
  t.equal((await api.post('/events', { name: 'e', data: '{}', channels })).text, '{}');
  await client.next('e');
});

t.test('too much data is a 413 that PHP and Node recognise', async (t) => {
  const big = 'x'.repeat(150_000);
  const one = await api.post('/events', { name: 'e', data: big, channels: [unique('c')] });
  t.equal(one.status, 413);
  t.match(one.text, /data content of this event exceeds the allowed maximum \(\d+ bytes\)/i);
  const multibyte = await api.post('/events', { name: 'e', data: '漢'.repeat(50_000), channels: [unique('c')] });
  t.equal(multibyte.status, 413, 'the limit is in bytes');
  const batch = await api.post('/batch_events', { batch: [{ channel: unique('c'), name: 'e', data: big }] });
  t.equal(batch.status, 413);
  t.match(batch.text, /content of this event/);
});

t.test('data at 10 KB is never too large', async (t) => {
  const channel = unique('c');
  const client = await RawClient.connect(t, target);
  await client.subscribe(channel);
  const data = 'ż'.repeat(5120);
  await api.trigger(channel, 'large', data);
  t.equal((await client.next('large')).data, data);
});
