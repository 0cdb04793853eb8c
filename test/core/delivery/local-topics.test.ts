import t from 'tap';
import { BrokerUnavailable } from '../../../src/core/contracts/broker.ts';
import type { ChannelLog } from '../../../src/core/contracts/channel-log.ts';
import { createMetrics } from '../../../src/core/contracts/metrics.ts';
import { LocalTopics } from '../../../src/core/delivery/local-topics.ts';
import { LoggedTopics } from '../../../src/core/delivery/logged-topics.ts';
import { FakeBroker } from '../../support/fakes.ts';

const TOPIC = 'app-id/c';
const nothing = () => undefined;
const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
/** No topic of these tests is logged. */
const notAsked = () => Promise.reject(new Error('no topic of this test is logged'));
const log: ChannelLog = { keep: notAsked, since: notAsked, recent: notAsked };

function localTopics() {
  const broker = new FakeBroker();
  const logged = new LoggedTopics({ log, logger, publish: nothing, lost: nothing });
  return { broker, topics: new LocalTopics(broker, logged, createMetrics()) };
}

t.test('the broker is asked for the first and told of the last', async (t) => {
  const { broker, topics } = localTopics();
  for (let i = 0; i < 3; i += 1) await topics.acquire(TOPIC);
  await topics.release(TOPIC);
  await topics.release(TOPIC);
  t.strictSame(broker.calls, [`subscribe ${TOPIC}`]);
  await topics.release(TOPIC);
  t.strictSame(broker.calls, [`subscribe ${TOPIC}`, `unsubscribe ${TOPIC}`]);
  await topics.acquire(TOPIC);
  t.equal(broker.calls.length, 3, 'and asked again');
});

t.test('all who want a topic are told its names', async (t) => {
  const { topics } = localTopics();
  const names = { topic: 'app-id/a/b', channel: 'a/b' };
  t.match(await topics.acquire('app-id/a/b'), names);
  t.match(await topics.acquire('app-id/a/b'), names);
});

t.test('topics are counted apart', async (t) => {
  const { broker, topics } = localTopics();
  await topics.acquire('a/1');
  await topics.acquire('a/2');
  await topics.release('a/1');
  t.strictSame(broker.calls, ['subscribe a/1', 'subscribe a/2', 'unsubscribe a/1']);
});

t.test('who comes second waits for the subscription of the first', async (t) => {
  const { broker, topics } = localTopics();
  const { promise, resolve } = deferred();
  broker.subscriptions.push(promise);
  let joined = 0;
  const both = [1, 2].map(async () => {
    await topics.acquire(TOPIC);
    joined += 1;
  });
  await new Promise(setImmediate);
  t.equal(joined, 0);
  resolve();
  await Promise.all(both);
  t.equal(joined, 2);
  t.equal(broker.calls.length, 1);
});

t.test('a subscription that fails is held by nobody, and tried anew', async (t) => {
  const { broker, topics } = localTopics();
  const { promise, reject } = deferred();
  broker.subscriptions.push(promise);
  const both = [topics.acquire(TOPIC), topics.acquire(TOPIC)];
  reject(new BrokerUnavailable('Redis is away'));
  for (const each of both) await t.rejects(each, { code: 'broker_unavailable' });
  await topics.release(TOPIC);
  t.strictSame(broker.calls, [`subscribe ${TOPIC}`], 'there is nothing to unsubscribe from');
  await topics.acquire(TOPIC);
  await topics.release(TOPIC);
  t.strictSame(broker.calls.slice(1), [`subscribe ${TOPIC}`, `unsubscribe ${TOPIC}`]);
});

t.test('who waited for the failed one does not undo the next', async (t) => {
  const { broker, topics } = localTopics();
  const { promise, reject } = deferred();
  broker.subscriptions.push(promise);
  let again: Promise<unknown> | undefined;
  const first = topics.acquire(TOPIC).catch((error: unknown) => {
    again = topics.acquire(TOPIC);
    throw error;
  });
  const second = topics.acquire(TOPIC);
  reject(new BrokerUnavailable('Redis is away'));
  await t.rejects(first);
  await t.rejects(second);
  await again;
  await topics.acquire(TOPIC);
  t.equal(broker.calls.length, 2, 'the second subscription holds');
});

t.test('releasing what is not held changes nothing', async (t) => {
  const { broker, topics } = localTopics();
  await topics.release(TOPIC);
  t.strictSame(broker.calls, []);
});

function deferred() {
  let resolve: () => void = nothing;
  let reject: (error: Error) => void = nothing;
  const promise = new Promise<void>((...settle) => {
    [resolve, reject] = settle;
  });
  return { promise, resolve: () => resolve(), reject: (error: Error) => reject(error) };
}
