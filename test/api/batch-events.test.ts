import t from 'tap';
import { ApiFixture, app, header } from '../support/api.ts';

const event = (channel: string, extra: object = {}): object => ({ name: 'foo', channel, data: '{}', ...extra });

t.test('a batch goes out in its order', async (t) => {
  const api = new ApiFixture();
  const batch = [event('a'), event('b', { socket_id: '1.2', data: { x: 1 } }), event('a', { name: 'bar' })];
  t.same(await api.post('/batch_events', { batch }), { status: 200, body: '{}' });
  t.same(
    api.published.map(({ topic, exceptSocketId }) => [topic, exceptSocketId]),
    [
      ['3/a', undefined],
      ['3/b', '1.2'],
      ['3/a', undefined],
    ],
  );
});

t.test('info stands at the index of the event that asked for it', async (t) => {
  const api = new ApiFixture();
  await api.join('presence-b', '1.1', 'ann');
  await api.join('c', '1.2');
  const batch = [
    event('a'),
    event('presence-b', { info: 'user_count' }),
    event('c', { info: 'subscription_count,user_count' }),
    event('c', { info: '' }),
  ];
  const answer = await api.post('/batch_events', { batch });
  t.equal(answer.body, '{"batch":[{},{"user_count":1},{"subscription_count":1},{}]}');
  t.equal(api.published.filter(({ frame }) => frame.includes('"event":"foo"')).length, 4);
});

t.test('one bad event refuses the whole batch and is named by its index', async (t) => {
  const api = new ApiFixture();
  const cases: Array<[string, unknown, number, RegExp]> = [
    ['no batch', {}, 400, /needs a list of events/],
    ['a batch that is no list', { batch: {} }, 400, /needs a list of events/],
    ['an event that is no object', { batch: [event('a'), 'b'] }, 400, /^batch\[1\]: .*JSON object/],
    ['no channel', { batch: [event('a'), { name: 'foo', data: '' }] }, 400, /^batch\[1\]: .*needs channel/],
    ['several channels', { batch: [{ name: 'foo', data: '', channels: ['a'] }] }, 400, /^batch\[0\]: .*a single one/],
    ['a bad channel', { batch: [event('a'), event('a b')] }, 400, /^batch\[1\]: Invalid channel name/],
    ['no data', { batch: [event('a', { data: null })] }, 400, /^batch\[0\]: .*needs data/],
    ['no name', { batch: [event('a', { name: undefined })] }, 400, /^batch\[0\]: .*event name/],
    ['a bad socket', { batch: [event('a', { socket_id: '1' })] }, 400, /^batch\[0\]: Invalid socket_id/],
    ['bad info', { batch: [event('a', { info: 'x' })] }, 400, /^batch\[0\]: 'x' is no info attribute/],
    [
      'too large',
      { batch: [event('a'), event('b', { data: 'x'.repeat(10_241) })] },
      413,
      /^batch\[1\]: .*content of this event/,
    ],
    [
      'too many',
      { batch: Array.from({ length: 11 }, () => event('a')) },
      400,
      /^Batch too large: 11 events; the limit is 10/,
    ],
  ];
  for (const [what, body, status, sentence] of cases) {
    const answer = await api.post('/batch_events', body);
    t.equal(answer.status, status, what);
    t.match(answer.body, sentence, what);
  }
  t.same(api.published, []);
});

t.test('an empty batch has nothing to do', async (t) => {
  const api = new ApiFixture();
  t.same(await api.post('/batch_events', { batch: [] }), { status: 200, body: '{}' });
});

t.test('each event of a batch counts against the quota', async (t) => {
  const api = new ApiFixture([app({ limits: { triggersPerSecond: 3 } })]);
  const two = { batch: [event('a'), event('b')] };
  t.equal((await api.post('/batch_events', two)).status, 200);
  const over = await api.post('/batch_events', two);
  t.equal(over.status, 429);
  t.equal(header(over, 'retry-after'), '1');
  t.equal((await api.post('/events', event('a'))).status, 200, 'one is left');
  t.equal(api.published.length, 3);
});
