import { mock } from 'node:test';
import t from 'tap';
import { BrokerUnavailable } from '../../../src/core/contracts/broker.ts';
import { SubscriptionCounts } from '../../../src/core/subscriptions/subscription-counts.ts';
import { FakeBroker, noFacts, recordingLogger } from '../../support/fakes.ts';

const TOPIC = 'app-id/c';

t.beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
t.afterEach(() => mock.timers.reset());

const told = (broker: FakeBroker) =>
  broker.published.map(({ topic, frame }) => {
    const { event, channel, data } = JSON.parse(frame) as Record<string, string>;
    return `${topic} ${event} ${channel} ${data}`;
  });
const count = (n: number, channel = 'c') =>
  `app-id/${channel} pusher_internal:subscription_count ${channel} {"subscription_count":${n}}`;

t.test('each change up to 100', async (t) => {
  const broker = new FakeBroker();
  const counts = new SubscriptionCounts(broker, noFacts(), recordingLogger().logger);
  for (const n of [1, 2, 99, 100, 99]) await counts.changed(TOPIC, n);
  t.strictSame(
    told(broker),
    [1, 2, 99, 100, 99].map((n) => count(n)),
  );
  await counts.changed(TOPIC, 0);
  t.equal(broker.published.length, 5, 'nobody is left to be told');
});

t.test('above 100 one in five seconds, the latest', async (t) => {
  const broker = new FakeBroker();
  const counts = new SubscriptionCounts(broker, noFacts(), recordingLogger().logger);
  await counts.changed(TOPIC, 101);
  t.strictSame(told(broker), [count(101)], 'the first at once');
  for (const n of [102, 103, 150, 140]) await counts.changed(TOPIC, n);
  mock.timers.tick(4999);
  t.equal(broker.published.length, 1);
  mock.timers.tick(1);
  t.strictSame(told(broker), [count(101), count(140)]);
  await counts.changed(TOPIC, 141);
  t.equal(broker.published.length, 2, 'the next interval runs');
  mock.timers.tick(5000);
  t.strictSame(told(broker).at(-1), count(141));
  mock.timers.tick(60_000);
  t.equal(broker.published.length, 3, 'no change, nothing to tell');
  await counts.changed(TOPIC, 142);
  t.strictSame(told(broker).at(-1), count(142), 'at once after a quiet time');
});

t.test('a channel that shrinks below is told at once, and nothing stale after', async (t) => {
  const broker = new FakeBroker();
  const counts = new SubscriptionCounts(broker, noFacts(), recordingLogger().logger);
  await counts.changed(TOPIC, 101);
  await counts.changed(TOPIC, 102);
  await counts.changed(TOPIC, 100);
  t.strictSame(told(broker), [count(101), count(100)]);
  mock.timers.tick(60_000);
  t.equal(broker.published.length, 2);
});

t.test('channels have intervals of their own, and none outlives the server', async (t) => {
  const broker = new FakeBroker();
  const counts = new SubscriptionCounts(broker, noFacts(), recordingLogger().logger);
  for (const n of [200, 201]) {
    await counts.changed('app-id/a', n);
    await counts.changed('app-id/b', n);
  }
  t.strictSame(told(broker), [count(200, 'a'), count(200, 'b')]);
  counts.close();
  mock.timers.tick(60_000);
  t.equal(broker.published.length, 2);
});

t.test('a count that cannot be told is left to the next; another error is no silence', async (t) => {
  const broker = new FakeBroker();
  const counts = new SubscriptionCounts(broker, noFacts(), recordingLogger().logger);
  broker.failPublishWith = new BrokerUnavailable('Redis is away');
  await counts.changed(TOPIC, 7);
  broker.failPublishWith = new TypeError('a fault');
  await t.rejects(counts.changed(TOPIC, 8), TypeError);
});

t.test('a fault at the end of an interval is logged, and no rejection is left unhandled', async (t) => {
  const rejections: unknown[] = [];
  const note = (reason: unknown) => rejections.push(reason);
  process.on('unhandledRejection', note);
  t.teardown(() => process.off('unhandledRejection', note));
  const broker = new FakeBroker();
  const { logger, lines } = recordingLogger();
  const counts = new SubscriptionCounts(broker, noFacts(), logger);
  await counts.changed(TOPIC, 200);
  await counts.changed(TOPIC, 201);
  broker.failPublishWith = new TypeError('a fault');
  mock.timers.tick(60_000);
  await new Promise(setImmediate);
  t.equal(lines.length, 1);
  t.same(rejections, []);
});
