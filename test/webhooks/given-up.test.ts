import t, { type Test } from 'tap';
import { MemoryGivenUp } from '../../src/broker/memory/memory-given-up.ts';
import { type App, ConfiguredApps } from '../../src/core/contracts/app.ts';
import { BrokerUnavailable } from '../../src/core/contracts/broker.ts';
import type { GivenUpStore } from '../../src/core/contracts/given-up.ts';
import { createMetrics } from '../../src/core/contracts/metrics.ts';
import type { Fact } from '../../src/core/contracts/outbox.ts';
import { GivenUp } from '../../src/webhooks/given-up.ts';
import { recordingLogger } from '../support/fakes.ts';
import { app as testApp } from '../support/unit-app.ts';
import { until } from '../support/wait.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const CREDENTIALS = { id: 'shop', key: 'shop-key', secret: 'shop-secret' };
const FACT: Fact = {
  id: '7-1',
  kind: 'member_added',
  appId: 'shop',
  channel: 'presence-c',
  userId: '42',
  atMs: 1,
  bytes: 300,
};

/** What was given up of an app with these endpoints. */
async function start(t: Test, paths: readonly string[] = [''], store: GivenUpStore = new MemoryGivenUp()) {
  const receiver = await WebhookReceiver.start(t, CREDENTIALS);
  const appWith = (given: readonly string[]): App =>
    testApp({ ...CREDENTIALS, webhooks: given.map((path) => ({ url: receiver.url + path })) });
  const apps = new ConfiguredApps([appWith(paths)]);
  const { logger, lines } = recordingLogger();
  const metrics = createMetrics();
  const postSettings = () => ({ timeoutMs: 1000, allowPrivateNetworks: true, agent: undefined });
  const givenUp = new GivenUp({ apps, store, metrics, logger, postSettings });
  const take = (path: string, facts: readonly Fact[] = [FACT]) =>
    givenUp.take({ ...{ appId: 'shop', facts, timeMs: 1234, reason: 'no answer' }, url: new URL(receiver.url + path) });
  const only = async (app: App) => {
    const [note, ...more] = await givenUp.list(app);
    t.same(more, []);
    if (note === undefined) throw new Error('nothing is kept');
    return note;
  };
  return { receiver, appWith, apps, lines, metrics, givenUp, take, only, app: appWith(paths) };
}

t.test('what an endpoint takes at last has the id and the time that it had, and is kept no more', async (t) => {
  const { receiver, metrics, givenUp, take, only, app } = await start(t);
  await take('');
  await take('');
  const { id, url, reason, events } = await only(app);
  t.same({ url, reason }, { url: receiver.url, reason: 'no answer' });
  t.same(events, [{ id: '7-1', kind: 'member_added', channel: 'presence-c', userId: '42' }]);
  receiver.answers.push(503, 302, 'hang');
  const reasons = ['the endpoint answered 503', 'the endpoint answered 302', 'no answer in 1 s'];
  for (const expected of reasons) {
    t.same(await givenUp.resend(app, id), { outcome: 'failed', reason: expected });
    t.equal((await only(app)).id, id, 'it is kept on');
  }
  t.same(await givenUp.resend(app, id), { outcome: 'sent' });
  t.match(receiver.receipts, [{ timeMs: 1234, events: [{ name: 'member_added', user_id: '42', id: '7-1' }] }]);
  t.same(receiver.complaints, []);
  t.same(await givenUp.resend(app, id), { outcome: 'unknown' });
  t.same(await givenUp.list(app), []);
  t.equal(metrics.webhooks.get('resent'), 1);
  t.equal(metrics.webhooks.get('given_up'), 2);
});

t.test('an endpoint is known by its whole URL, which nobody is shown or can read', async (t) => {
  const kept: object[] = [];
  const store = new MemoryGivenUp();
  const keep = store.keep.bind(store);
  store.keep = (appId, batch) => {
    kept.push(batch);
    return keep(appId, batch);
  };
  const { receiver, appWith, apps, lines, givenUp, take, only, app } = await start(
    t,
    ['?token=one', '?token=two'],
    store,
  );
  await take('?token=two');
  const { id } = await only(app);
  t.notMatch(JSON.stringify([kept, lines, await givenUp.list(app)]), /token=|shop-secret/);
  t.match(await givenUp.resend(appWith(['?token=one', '?token=new']), id), {
    outcome: 'failed',
    reason: `the app has no webhook to ${receiver.url} any more`,
  });
  t.equal(receiver.requests, 0, 'one of two that are alike is not guessed');
  t.same(await givenUp.resend(app, id), { outcome: 'sent' });
  t.same(receiver.asked, ['/hooks?token=two'], 'it went to the one that had not taken it');

  await take('?token=two');
  const again = await only(app);
  t.same(await givenUp.resend(appWith(['?token=new']), again.id), { outcome: 'sent' }, 'a token may be a new one');
  t.equal(receiver.asked[1], '/hooks?token=new');

  apps.replace([]);
  await take('?token=one');
  apps.replace([appWith([''])]);
  t.same(await givenUp.resend(appWith(['']), (await only(app)).id), { outcome: 'sent' }, 'of an app that is back');
});

t.test('what makes room is counted and logged, and so is what cannot be kept', async (t) => {
  const few = new MemoryGivenUp({ maxBatches: 1, maxBytes: 10_000, maxAgeSeconds: 60 });
  const { lines, metrics, take } = await start(t, [''], few);
  await take('');
  await take('', [{ ...FACT, id: '8-1' }]);
  t.equal(metrics.refused.get('given-up-webhooks'), 1);
  t.ok(lines.some(({ message }) => message === 'webhooks that had been given up were forgotten to make room'));
  few.keep = () => Promise.reject(new BrokerUnavailable('Redis is away'));
  await take('');
  t.match(lines.at(-1), { level: 'error', message: 'a webhook that was given up could not be kept' });
});

t.test('what is too old is forgotten though nobody lists it, of an app that has gone say', async (t) => {
  const store = new MemoryGivenUp({ maxBatches: 10, maxBytes: 10_000, maxAgeSeconds: 0 });
  const { take } = await start(t, [''], store);
  await take('');
  await until(() => {
    store.removeExpired();
    return store.size === 0;
  }, 'it has gone');
});

t.test('so many are sent again at once, and no more', async (t) => {
  const { receiver, givenUp, take, only, app } = await start(t);
  await take('');
  const { id } = await only(app);
  receiver.down = 'hang';
  const under = Array.from({ length: 8 }, () => givenUp.resend(app, id));
  t.match(await givenUp.resend(app, id), { outcome: 'failed', reason: /8 are being sent again already/ });
  t.same(
    await givenUp.resend(testApp({ id: 'other' }), id),
    { outcome: 'unknown' },
    'another app has turns of its own',
  );
  for (const { outcome } of await Promise.all(under)) t.equal(outcome, 'failed');
  receiver.down = undefined;
  t.same(await givenUp.resend(app, id), { outcome: 'sent' });
});
