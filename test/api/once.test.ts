import t from 'tap';
import { MemoryRequests } from '../../src/broker/memory/memory-requests.ts';
import { BrokerUnavailable } from '../../src/core/contracts/broker.ts';
import type { HttpResponse } from '../../src/core/contracts/http.ts';
import { ApiFixture, app, header, NOW_SECONDS, request, signedQuery } from '../support/api.ts';
import { app as unitApp } from '../support/unit-app.ts';

const EVENT = { name: 'foo', channels: ['one'], data: '{}' };

async function post(api: ApiFixture, key: string, body: unknown, path = '/apps/3/events'): Promise<HttpResponse> {
  const text = JSON.stringify(body);
  const sent = request('POST', path, signedQuery('POST', path, {}, text), text);
  return await api.send({ ...sent, headers: new Map([['idempotency-key', key]]) });
}

t.test('a repeated request is answered as the first was, and delivers nothing', async (t) => {
  const api = new ApiFixture();
  await api.join('one', '1.1');
  const first = await post(api, 'k1', { ...EVENT, info: 'subscription_count' });
  t.same(first, { status: 200, body: '{"channels":{"one":{"subscription_count":1}}}' });
  await api.join('one', '1.2');
  const again = await post(api, 'k1', { ...EVENT, info: 'subscription_count' });
  t.equal(again.body, first.body, 'the same answer');
  t.equal(header(again, 'idempotent-replayed'), 'true');
  t.equal(api.published.length, 1);
  t.equal((await post(api, 'k2', EVENT)).status, 200);
  t.equal(api.published.length, 2, 'another key is another request');
});

t.test('a batch is repeated likewise', async (t) => {
  const api = new ApiFixture();
  const batch = { batch: [{ name: 'foo', channel: 'one', data: '{}' }] };
  for (let time = 0; time < 3; time += 1) {
    t.equal((await post(api, 'k1', batch, '/apps/3/batch_events')).status, 200);
  }
  t.equal(api.published.length, 1);
});

t.test('another body under the same key is refused, and so is another endpoint', async (t) => {
  const api = new ApiFixture();
  await post(api, 'k1', EVENT);
  const other = await post(api, 'k1', { ...EVENT, data: '{"other":1}' });
  t.match(other, { status: 422, body: /^This Idempotency-Key was used for another request in the last 120 s/ });
  t.equal((await post(api, 'k1', { batch: [] }, '/apps/3/batch_events')).status, 422);
  t.equal(api.published.length, 1);
});

t.test('a request whose first attempt is under way gets 409 with Retry-After', async (t) => {
  const requests = new MemoryRequests(() => NOW_SECONDS * 1000);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const api = new ApiFixture([app({ limits: { triggersPerSecond: 10 } })], {
    requests,
    quotas: { connect: async () => true, disconnect: async () => undefined, take: () => held.then(() => 0) },
  });
  const first = post(api, 'k1', EVENT);
  const second = await post(api, 'k1', EVENT);
  t.match(second, { status: 409, body: /under way/ });
  t.equal(header(second, 'retry-after'), '1');
  release();
  t.equal((await first).status, 200);
  t.equal(header(await post(api, 'k1', EVENT), 'idempotent-replayed'), 'true');
});

t.test('what was refused or failed is not remembered', async (t) => {
  const api = new ApiFixture([app({ limits: { triggersPerSecond: 1 } })]);
  t.equal((await post(api, 'k1', { ...EVENT, data: null })).status, 400);
  t.equal((await post(api, 'k1', EVENT)).status, 200, 'the key was not used up');
  t.equal((await post(api, 'k2', EVENT)).status, 429);
  t.equal(header(await post(api, 'k1', EVENT), 'idempotent-replayed'), 'true', 'a repetition takes of no quota');
  t.equal(api.published.length, 1);
});

t.test('a node that cannot remember refuses before it delivers, and answers what it has delivered', async (t) => {
  const requests = new MemoryRequests();
  requests.finish = () => Promise.reject(new BrokerUnavailable('away'));
  const api = new ApiFixture(undefined, { requests });
  t.equal((await post(api, 'k1', EVENT)).status, 200);
  t.match(api.log.at(-1), { message: /will not be remembered/ });
  requests.begin = () => Promise.reject(new BrokerUnavailable('away'));
  t.equal((await post(api, 'k2', EVENT)).status, 503);
  t.equal(api.published.length, 1);
});

t.test('keys are bounded in length and number', async (t) => {
  const api = new ApiFixture([app({ limits: { maxIdempotencyKeys: 2 } })]);
  for (const key of ['a b', 'é', '', 'k'.repeat(256)]) {
    t.match(await post(api, key, EVENT), { status: 400, body: /^The Idempotency-Key is .*1 to 255 visible/ }, key);
  }
  t.equal((await post(api, 'k'.repeat(255), EVENT)).status, 200);
  t.equal((await post(api, 'k2', EVENT)).status, 200);
  const full = await post(api, 'k3', EVENT);
  t.match(full, { status: 429, body: /as may be remembered at once, 2/ });
  t.equal(header(full, 'retry-after'), '120');
});

t.test('a request is remembered for two minutes, and one that died for fifteen seconds', async (t) => {
  let now = 0;
  const requests = new MemoryRequests(() => now);
  const first = { app: unitApp(), key: 'k', asks: 'this', attempt: 'first' };
  const later = { ...first, asks: 'that', attempt: 'later' };
  await requests.begin(first);
  now += 14_999;
  t.same(await requests.begin({ ...later, asks: 'this' }), { state: 'under_way' });
  now += 1;
  t.same(await requests.begin(later), { state: 'new' });
  await requests.finish(later, '{}');
  now += 119_999;
  t.same(await requests.begin(later), { state: 'done', body: '{}' });
  now += 1;
  t.same(await requests.begin(first), { state: 'new' });
});
