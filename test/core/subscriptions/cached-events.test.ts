import t from 'tap';
import { MemoryBroker } from '../../../src/broker/memory/memory-broker.ts';
import { Delivery } from '../../../src/core/delivery/delivery.ts';
import { readCachedEvents } from '../../../src/core/subscriptions/cached-events.ts';

const BOUNDS = { maxEvents: 10, maxBytes: 10_000, maxAgeSeconds: 60 };
const TOPIC = 'app/cache-c';
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const frameOf = (number: number) => `{"event":"e","channel":"cache-c","data":"${number}"}`;

async function started() {
  const broker = new MemoryBroker(BOUNDS);
  const delivery = new Delivery(broker, silent);
  await broker.start(delivery.deliver);
  t.teardown(() => broker.close());
  const publish = (number: number, exceptSocketId?: string) =>
    broker.publish([{ topic: TOPIC, frame: frameOf(number), cacheSeconds: 60, exceptSocketId }]);
  return { broker, delivery, publish };
}

t.test('the last event, and what came since it was read, each once and in order', async (t) => {
  const { broker, delivery, publish } = await started();
  await publish(1);
  const events = await readCachedEvents(broker, delivery, TOPIC);
  await publish(2);
  await publish(3);
  t.strictSame(events.framesFor('1.1'), [frameOf(1), frameOf(2), frameOf(3)]);
  events.stop();
  await publish(4);
  t.equal(events.framesFor('1.1').length, 3, 'nothing is recorded after the join');
});

t.test('an event that comes while the last one is read is neither lost nor told twice', async (t) => {
  const { broker, delivery, publish } = await started();
  const slow = Object.create(broker, {
    cached: {
      value: async (topic: string) => {
        await publish(1);
        const cached = await broker.cached(topic);
        await publish(2);
        return cached;
      },
    },
  }) as MemoryBroker;
  const events = await readCachedEvents(slow, delivery, TOPIC);
  t.strictSame(events.framesFor('1.1'), [frameOf(1), frameOf(2)]);
  events.stop();
});

t.test('no event, the server’s own frames, and what leaves the joiner out', async (t) => {
  const { broker, delivery, publish } = await started();
  const events = await readCachedEvents(broker, delivery, TOPIC);
  t.strictSame(events.framesFor('1.1'), []);
  await broker.publish([{ topic: TOPIC, frame: '{"event":"pusher_internal:member_added","data":"{}"}' }]);
  t.strictSame(events.framesFor('1.1'), []);
  await publish(1, '1.1');
  t.strictSame(events.framesFor('1.1'), []);
  t.strictSame(events.framesFor('2.2'), [frameOf(1)]);
  events.stop();
});
