import t from 'tap';
import { ApiFixture, app } from '../support/api.ts';

interface Answer {
  readonly events: readonly { readonly id: string; readonly name: string; readonly data: string }[];
  readonly complete: boolean;
  readonly more: boolean;
  readonly last?: string;
}

function logged(): ApiFixture {
  return new ApiFixture([
    app({ rewind: [{ channels: 'log-*', events: 5, seconds: 60 }], limits: { maxEventBytes: 9e5 } }),
  ]);
}

async function read(api: ApiFixture, params: Record<string, string> = {}, channel = 'log-a'): Promise<Answer> {
  const { status, body } = await api.get(`/channels/${channel}/events`, params);
  if (status !== 200) throw new Error(`${status} ${body}`);
  return JSON.parse(body) as Answer;
}

const trigger = (api: ApiFixture, data: string, more: object = {}) =>
  api.post('/events', { name: `event-${data.slice(0, 3)}`, channels: ['log-a'], data, ...more });

const dataOf = ({ events }: Answer) => events.map(({ data }) => data);

t.test('the last events, oldest first, each with the id that clients see', async (t) => {
  const api = logged();
  for (const data of ['1', '2', '3']) await trigger(api, data, data === '2' ? { socket_id: '7.7' } : {});
  const all = await read(api);
  t.match(all, { complete: true, more: false });
  t.same(dataOf(all), ['1', '2', '3']);
  t.match(all.events[1], { name: 'event-2', data: '2', socket_id: '7.7' });
  t.equal(all.last, all.events[2]?.id);
  const { position } = api.published[2] ?? {};
  t.equal(all.last, `${position?.epoch}:${position?.offset}`);
  t.same(dataOf(await read(api, { limit: '2' })), ['2', '3']);
});

t.test('what came since an event, a page at a time', async (t) => {
  const api = logged();
  await trigger(api, '0');
  let { last: since = '' } = await read(api);
  for (const data of ['1', '2', '3']) await trigger(api, data);
  const pages: string[][] = [];
  for (let more = true; more; ) {
    const page = await read(api, { since, limit: '2' });
    t.equal(page.complete, true);
    pages.push(dataOf(page));
    more = page.more;
    since = page.events.at(-1)?.id ?? '';
  }
  t.same(pages, [['1', '2'], ['3']]);
  t.match(await read(api, { since }), { events: [], complete: true, more: false, last: since });
});

t.test('a log that does not reach back gives what it has, and says so', async (t) => {
  const api = logged();
  await trigger(api, '1');
  for (const since of ['another:1', 'another.3:0']) {
    const answer = await read(api, { since });
    t.equal(answer.complete, false);
    t.same(dataOf(answer), ['1']);
  }
});

t.test('an answer is bounded in bytes: the oldest after an event, the newest without one, one at least', async (t) => {
  const of = (sizes: readonly number[]) => {
    const messages = sizes.map((size, index) => ({
      topic: '3/log-a',
      frame: JSON.stringify({ event: 'e', channel: 'log-a', data: String(index).padEnd(size) }),
      position: { epoch: 'x', offset: index + 1 },
    }));
    const page = { messages, end: { epoch: 'x', offset: sizes.length }, reachesBack: true };
    return new ApiFixture(undefined, { history: { page: async () => page } });
  };
  const numbers = (answer: Answer) => dataOf(answer).map(Number);
  const even = of([4e5, 4e5, 4e5, 4e5]);
  const first = await read(even, { since: 'x:0' });
  t.same(numbers(first), [0, 1]);
  t.equal(first.more, true);
  t.same(numbers(await read(even)), [2, 3]);
  const large = of([2e6, 1]);
  t.same(numbers(await read(large, { since: 'x:0' })), [0]);
});

t.test('a channel that a rule keeps and that nothing was sent on is empty, any other is a 404', async (t) => {
  const api = logged();
  t.same(await read(api), { events: [], complete: true, more: false });
  t.equal((await read(api, { since: 'x:1' })).complete, false);
  const unlogged = await api.get('/channels/other/events');
  t.match(unlogged, { status: 404, body: /^The channel 'other' is not logged: a log is kept while/ });
});

t.test('what is wrong is said', async (t) => {
  const api = logged();
  for (const limit of ['0', '-1', '1001', 'x', '1.5', '']) {
    t.match(await api.get('/channels/log-a/events', { limit }), { status: 400, body: /whole number from 1 to 1000/ });
  }
  for (const since of ['', 'x', ':1', 'x:', 'x:-1', 'x:1e3', `${'x'.repeat(70)}:1`, 'a b:1']) {
    t.match(await api.get('/channels/log-a/events', { since }), { status: 400, body: /is no id of an event/ }, since);
  }
  t.equal((await api.get('/channels/a%20b/events')).status, 400);
});
