import type { Test } from 'tap';
import type { RepeatableRequest } from '../../src/core/contracts/idempotency.ts';
import { hereAndThere, type StartCluster } from '../support/contract-cluster.ts';
import { unique } from '../support/names.ts';
import { app as testApp } from '../support/unit-app.ts';

/** What all memories of idempotent requests do. (core/contracts/idempotency.ts) */
export async function requestsContract(t: Test, startCluster: StartCluster): Promise<void> {
  const cluster = await startCluster();
  t.teardown(() => cluster.close());
  const { here, there } = hereAndThere(cluster);
  const request = (changes: Partial<RepeatableRequest> = {}): RepeatableRequest => ({
    app: testApp({ id: unique('app') }),
    key: unique('key'),
    asks: 'this',
    attempt: unique('attempt'),
    ...changes,
  });

  await t.test('one attempt carries a request out, and all others get its answer', async (t) => {
    const first = request();
    const again = { ...first, attempt: 'again' };
    t.same(await here.requests.begin(first), { state: 'new' });
    t.same(await here.requests.begin(first), { state: 'new' }, 'asked twice by the same attempt');
    t.same(await there.requests.begin(again), { state: 'under_way' });
    await there.requests.finish(again, 'not mine');
    await there.requests.abandon(again);
    t.same(await there.requests.begin(again), { state: 'under_way' });
    const body = '{"a":"é: \\u0000 % \\n"}';
    await here.requests.finish(first, body);
    t.same(await there.requests.begin(again), { state: 'done', body });
    t.same(await here.requests.begin({ ...first, attempt: 'third' }), { state: 'done', body });
    await here.requests.abandon(first);
    t.same(await there.requests.begin(again), { state: 'done', body }, 'what is done stays so');
  });

  await t.test('a key is for one request, and for one app', async (t) => {
    const first = request();
    await here.requests.begin(first);
    t.same(await there.requests.begin({ ...first, asks: 'that' }), { state: 'other_request' });
    await here.requests.finish(first, '');
    t.same(await there.requests.begin({ ...first, asks: 'that' }), { state: 'other_request' });
    t.same(await there.requests.begin(first), { state: 'done', body: '' });
    t.same(await there.requests.begin({ ...first, app: testApp({ id: unique('app') }) }), { state: 'new' });
  });

  await t.test('what was abandoned begins anew, also as another request', async (t) => {
    const first = request();
    await here.requests.begin(first);
    await here.requests.abandon(first);
    const other = { ...first, asks: 'that', attempt: 'other' };
    t.same(await there.requests.begin(other), { state: 'new' });
    await here.requests.finish(first, 'too late');
    t.same(await here.requests.begin(first), { state: 'other_request' });
  });

  await t.test('of attempts that come together, one is the first', async (t) => {
    const first = request();
    const begun = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? here : there).requests.begin({ ...first, attempt: `a${index}` }),
      ),
    );
    t.equal(begun.filter(({ state }) => state === 'new').length, 1);
    t.equal(begun.filter(({ state }) => state === 'under_way').length, 19);
  });

  await t.test(
    'the keys of an app are bounded, large answers count as several, and known ones are answered',
    async (t) => {
      const app = testApp({ id: unique('app'), limits: { maxIdempotencyKeys: 64 } });
      const first = request({ app });
      await here.requests.begin(first);
      await here.requests.finish(first, 'x'.repeat(3 * 512));
      const states: string[] = [];
      for (let index = 0; index < 200; index += 1) {
        // Digests that are spread evenly, whatever few they are.
        const key = `${Buffer.from([index % 16, 0, 0]).toString('base64url')}${index}`;
        states.push((await here.requests.begin({ ...first, key })).state);
      }
      const taken = states.filter((state) => state === 'new').length;
      t.ok(taken >= 60 && taken <= 64, `${taken} beside one that counts as four`);
      t.equal(states.at(-1), 'full');
      t.match(await there.requests.begin(first), { state: 'done' });
    },
  );
}
