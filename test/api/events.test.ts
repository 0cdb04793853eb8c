import t from 'tap';
import { ApiFixture, app, header } from '../support/api.ts';

const DATA = '{"some":"data"}';

t.test('an event goes out on every channel, its data byte for byte', async (t) => {
  const api = new ApiFixture();
  const data = ' {"a": 1.0,  "b":"\\u00e9é\\/"} ';
  const answer = await api.post('/events', { name: 'foo', channels: ['one', 'private-two'], data });
  t.same(answer, { status: 200, body: '{}' });
  t.same(
    api.published.map(({ topic, frame }) => [topic, JSON.parse(frame)]),
    [
      ['3/one', { event: 'foo', channel: 'one', data }],
      ['3/private-two', { event: 'foo', channel: 'private-two', data }],
    ],
  );
});

t.test('channel names a single one, as PHP sends it', async (t) => {
  const api = new ApiFixture();
  t.equal((await api.post('/events', { name: 'foo', channel: 'one', data: DATA })).status, 200);
  t.equal((await api.post('/events', { name: 'foo', channel: 'one', channels: null, data: DATA })).status, 200);
  t.same(
    api.published.map(({ topic }) => topic),
    ['3/one', '3/one'],
  );
});

t.test('socket_id is left out of the delivery, known or not', async (t) => {
  const api = new ApiFixture();
  const answer = await api.post('/events', { name: 'foo', channel: 'one', data: DATA, socket_id: '12.34' });
  t.equal(answer.status, 200);
  t.equal(api.published[0]?.exceptSocketId, '12.34');
  t.equal((await api.post('/events', { name: 'foo', channel: 'one', data: DATA, socket_id: null })).status, 200);
  t.equal(api.published[1]?.exceptSocketId, undefined);
});

t.test('data that is no string is sent as its JSON', async (t) => {
  const api = new ApiFixture();
  for (const data of [{ a: [1] }, [1, 2], 7, false, '']) {
    t.equal((await api.post('/events', { name: 'foo', channel: 'one', data })).status, 200);
  }
  t.same(
    api.published.map(({ frame }) => (JSON.parse(frame) as { data: unknown }).data),
    ['{"a":[1]}', '[1,2]', '7', 'false', ''],
  );
});

t.test('a user is reached on the channel of the user', async (t) => {
  const api = new ApiFixture();
  t.equal((await api.post('/events', { name: 'foo', channels: ['#server-to-user-a b/é'], data: DATA })).status, 200);
  t.equal(api.published[0]?.topic, '3/#server-to-user-a b/é');
});

t.test('an event for a list of users goes to each of them once', async (t) => {
  const api = new ApiFixture([app({ limits: { maxUsersPerEvent: 150 } })]);
  const event = { name: 'foo', user_ids: ['ann', 'b o/b', 'ann'], data: DATA };
  t.same(await api.post('/events', event), { status: 200, body: '{}' });
  t.same(
    api.published.map(({ topic }) => topic),
    ['3/#server-to-user-ann', '3/#server-to-user-b o/b'],
  );
  const many = Array.from({ length: 150 }, (_, index) => `user${index}`);
  t.equal((await api.post('/events', { ...event, user_ids: many })).status, 200, 'more than channels may be');
  const cases: Array<[string, object, RegExp]> = [
    ['too many', { user_ids: [...many, 'one more'] }, /at most 150 users; this one names 151/],
    ['none', { user_ids: [] }, /at least one user/],
    ['no list', { user_ids: 'ann' }, /user_ids, a list of texts/],
    ['numbers', { user_ids: [1] }, /user_ids, a list of texts/],
    ['an empty id', { user_ids: [''] }, /lacks the user id/],
    ['channels as well', { channels: ['one'] }, /not two of them/],
  ];
  const before = api.published.length;
  for (const [what, change, sentence] of cases) {
    t.match(await api.post('/events', { ...event, ...change }), { status: 400, body: sentence }, what);
  }
  t.equal(api.published.length, before);
});

t.test('events on cache channels are kept', async (t) => {
  const api = new ApiFixture();
  await api.post('/events', { name: 'foo', channels: ['cache-a', 'a'], data: DATA });
  t.same(
    api.published.map(({ cacheSeconds }) => cacheSeconds),
    [1800, undefined],
  );
});

t.test('info comes back for each channel, members for presence channels alone', async (t) => {
  const api = new ApiFixture();
  await api.join('presence-a', '1.1', 'ann');
  await api.join('presence-a', '1.2', 'ann');
  await api.join('b', '1.1');
  const event = { name: 'foo', channels: ['presence-a', 'b', 'c', '__proto__'], data: DATA };
  const answer = await api.post('/events', { ...event, info: 'user_count, subscription_count' });
  t.equal(answer.status, 200);
  t.equal(
    answer.body,
    '{"channels":{"presence-a":{"user_count":1,"subscription_count":2},"b":{"subscription_count":1},"c":{"subscription_count":0},"__proto__":{"subscription_count":0}}}',
  );
  const list = await api.post('/events', { ...event, channels: ['b'], info: ['user_count'] });
  t.equal(list.body, '{"channels":{"b":{}}}');
  const none = await api.post('/events', { ...event, channels: ['b'], info: '' });
  t.equal(none.body, '{}');
});

t.test('what is wrong with an event is said in a sentence, and nothing is published', async (t) => {
  const api = new ApiFixture();
  const good = { name: 'foo', channels: ['one'], data: DATA };
  const without = (name: string): object => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));
  const cases: Array<[string, unknown, number, RegExp]> = [
    ['no JSON', '{"name":', 400, /not valid JSON/],
    ['a list', '[]', 400, /not a JSON object/],
    ['null', 'null', 400, /not a JSON object/],
    ['no name', without('name'), 400, /event name/],
    ['a name that is no string', { ...good, name: 7 }, 400, /event name/],
    ['an empty name', { ...good, name: '' }, 400, /event name/],
    ['a long name', { ...good, name: 'n'.repeat(201) }, 400, /201 characters.*the limit is 200/],
    ['no data', without('data'), 400, /needs data/],
    ['null data', { ...good, data: null }, 400, /needs data/],
    ['no channels', without('channels'), 400, /needs channels/],
    ['an empty list', { ...good, channels: [] }, 400, /at least one channel/],
    ['channels that are no list', { ...good, channels: 'one' }, 400, /needs channels, a list/],
    ['a channel that is no string', { ...good, channels: ['one', 7] }, 400, /needs channels, a list/],
    ['both', { ...good, channel: 'one' }, 400, /not two of them/],
    ['a bad channel', { ...good, channels: ['one', 'a b'] }, 400, /Invalid channel name 'a b'/],
    ['a long channel', { ...good, channels: ['c'.repeat(201)] }, 400, /201 characters/],
    [
      'many channels',
      { ...good, channels: Array.from({ length: 101 }, (_, n) => `c${n}`) },
      400,
      /at most 100 channels; this one names 101/,
    ],
    ['a bad socket_id', { ...good, socket_id: 'abc' }, 400, /Invalid socket_id 'abc'/],
    ['a socket_id that is no string', { ...good, socket_id: 1.2 }, 400, /Invalid socket_id 'number'/],
    ['an unknown attribute', { ...good, info: 'user_count,colour' }, 400, /'colour' is no info attribute/],
    ['cache for an event', { ...good, info: 'cache' }, 400, /'cache' is no info attribute here/],
    ['info that is no string', { ...good, info: 7 }, 400, /A number is no info attribute/],
    [
      'too much data',
      { ...good, data: 'x'.repeat(10_241) },
      413,
      /^The data content of this event exceeds the allowed maximum \(10240 bytes\)$/,
    ],
    ['too many bytes', { ...good, data: 'é'.repeat(5121) }, 413, /content of this event/],
  ];
  for (const [what, body, status, sentence] of cases) {
    const answer = await api.post('/events', body);
    t.equal(answer.status, status, what);
    t.match(answer.body, sentence, what);
    t.notOk(answer.body.startsWith('{'), `${what}: a sentence`);
  }
  t.equal((await api.post('/events', { ...good, data: 'é'.repeat(5120) })).status, 200, 'as much as is allowed');
  t.equal(api.published.length, 1);
});

t.test('over the quota: 429 with Retry-After', async (t) => {
  const api = new ApiFixture([app({ limits: { triggersPerSecond: 2 } })]);
  const event = { name: 'foo', channels: ['one', 'two'], data: DATA };
  t.equal((await api.post('/events', event)).status, 200);
  t.equal((await api.post('/events', event)).status, 200);
  t.equal(
    (await api.post('/events', { ...event, data: null })).status,
    400,
    'what is refused for its form costs nothing',
  );
  const over = await api.post('/events', event);
  t.equal(over.status, 429);
  t.equal(header(over, 'retry-after'), '1');
  t.match(over.body, /limit of 2 events a second/);
  t.equal(api.published.length, 4);
});
