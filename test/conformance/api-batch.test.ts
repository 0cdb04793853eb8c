import t from 'tap';
import { unique } from '../support/names.ts';
import { on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { openTarget } from '../support/target.ts';

const target = await openTarget(t);
const api = new SignedApi(target);

t.test('ten events, each to its channel, in their order', async (t) => {
  const channel = unique('c');
  const client = await RawClient.connect(t, target);
  await client.subscribe(channel);
  const batch = Array.from({ length: 10 }, (_, i) => ({ channel, name: `e${i}`, data: ` {"i":${i}} ` }));
  const answer = await api.post('/batch_events', { batch });
  t.equal(answer.status, 200);
  t.equal(answer.text, '{}');
  await client.next('e9');
  const events = client.frames.filter((frame) => frame.channel === channel && /^e\d$/.test(frame.event));
  t.strictSame(
    events.map(({ event, data }) => ({ channel, name: event, data })),
    batch,
  );
});

t.test('info where it was asked, an empty object where not', async (t) => {
  const [plain, presence] = [unique('c'), `presence-${unique('c')}`];
  const client = await RawClient.connect(t, target);
  await client.subscribe(plain);
  await client.subscribe(presence, '{"user_id":"1"}');
  const answer = await api.post('/batch_events', {
    batch: [
      { channel: plain, name: 'e', data: '1', info: 'subscription_count' },
      { channel: plain, name: 'e', data: '2' },
      { channel: presence, name: 'e', data: '3', info: 'user_count,subscription_count' },
      { channel: plain, name: 'e', data: '4', info: 'user_count' },
    ],
  });
  t.strictSame(answer.json, {
    batch: [{ subscription_count: 1 }, {}, { user_count: 1, subscription_count: 1 }, {}],
  });
});

t.test('socket_id leaves its connection out of its event alone', async (t) => {
  const channel = unique('c');
  const [sender, other] = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
  for (const client of [sender, other]) await client.subscribe(channel);
  const answer = await api.post('/batch_events', {
    batch: [
      { channel, name: 'others', data: '1', socket_id: sender.socketId },
      { channel, name: 'unknown', data: '2', socket_id: '9.9' },
      { channel, name: 'all', data: '3' },
    ],
  });
  t.equal(answer.text, '{}');
  await other.next('others');
  await sender.next('all');
  t.equal(sender.unread('others').length, 0);
  t.equal(sender.unread('unknown').length, 1);
});

t.test('cache channels are fed by batches', async (t) => {
  const channel = `cache-${unique('c')}`;
  await api.post('/batch_events', {
    batch: [
      { channel, name: 'first', data: '1' },
      { channel, name: 'last', data: '2' },
    ],
  });
  const client = await RawClient.connect(t, target);
  await client.subscribe(channel);
  await client.next(on(channel, 'last'));
  t.equal(client.unread('first').length, 0);
});

t.test('more than ten are a 400 that says so', async (t) => {
  const batch = Array.from({ length: 11 }, () => ({ channel: unique('c'), name: 'e', data: '{}' }));
  const answer = await api.post('/batch_events', { batch });
  t.equal(answer.status, 400);
  t.match(answer.text, 'Batch too large');
});

t.test('a bad event refuses the whole batch', async (t) => {
  const channel = unique('c');
  const client = await RawClient.connect(t, target);
  await client.subscribe(channel);
  const good = { channel, name: 'good', data: '{}' };
  const bad: unknown[] = [
    {},
    { batch: {} },
    { batch: null },
    { batch: 'text' },
    { batch: [good, null] },
    { batch: [good, 7] },
    { batch: [good, { name: 'e', data: '{}' }] },
    { batch: [good, { channel, data: '{}' }] },
    { batch: [good, { channel, name: 'e' }] },
    { batch: [good, { channel: 'not ok', name: 'e', data: '{}' }] },
    { batch: [good, { channel, name: 'x'.repeat(201), data: '{}' }] },
    { batch: [good, { channel, name: 'e', data: '{}', socket_id: 'x' }] },
  ];
  for (const body of bad) {
    const answer = await api.post('/batch_events', body);
    t.equal(answer.status, 400, JSON.stringify(body).slice(0, 100));
    t.match(answer.text, /\w+ \w+/);
  }
  await api.trigger(channel, 'fence', '{}');
  await client.next('fence');
  t.equal(client.unread('good').length, 0, 'nothing of a refused batch was delivered');
});
