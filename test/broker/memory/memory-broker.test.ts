import t from 'tap';
import { MemoryBroker } from '../../../src/broker/memory/memory-broker.ts';
import type { LoggedMessage } from '../../../src/core/contracts/channel-log.ts';
import { createMetrics } from '../../../src/core/contracts/metrics.ts';

const BOUNDS = { maxEvents: 10, maxBytes: 100_000, maxAgeSeconds: 60 };
const WIDE = { maxLogs: 1000, maxLogBytes: 1e9, maxCachedEvents: 1000, maxCachedBytes: 1e9 };

async function start(limits: Partial<typeof WIDE>) {
  const metrics = createMetrics();
  let nowMs = 1_000_000;
  const broker = new MemoryBroker(() => BOUNDS, { now: () => nowMs, metrics, limits: { ...WIDE, ...limits } });
  const delivered: LoggedMessage[] = [];
  await broker.start((message) => delivered.push(message as LoggedMessage));
  const held = (name: string) => metrics.bounds.find((bound) => bound.name === name)?.held();
  return {
    ...{ broker, metrics, delivered, held },
    later(seconds: number) {
      nowMs += seconds * 1000;
    },
  };
}

t.test('logs of channels are bounded in number: those that were asked for the longest ago make room', async (t) => {
  const { broker, metrics, delivered, held } = await start({ maxLogs: 3 });
  t.teardown(() => broker.close());
  for (const topic of ['app/a', 'app/b', 'app/c', 'app/a', 'app/d']) await broker.keep(topic);
  t.equal(held('channel-logs'), 3);
  t.equal(metrics.refused.get('channel-logs'), 1);
  const positions = new Map(delivered.map(({ topic, position }) => [topic, position]));
  for (const [topic, isThere] of [
    ['a', true],
    ['b', false],
    ['c', true],
    ['d', true],
  ] as const) {
    const position = positions.get(`app/${topic}`);
    if (position === undefined) throw new Error('each log was announced');
    t.equal((await broker.since(`app/${topic}`, position)) !== undefined, isThere, topic);
  }
  await broker.keep('app/b');
  t.not(delivered.at(-1)?.position.epoch, positions.get('app/b')?.epoch, 'what begins again has another epoch');
});

t.test('logs of channels are bounded in bytes, which are counted to the last', async (t) => {
  const { broker, metrics, held, later } = await start({ maxLogBytes: 11_000 });
  t.teardown(() => broker.close());
  for (const topic of ['app/a', 'app/b', 'app/c']) await broker.keep(topic);
  const empty = held('channel-log-bytes') ?? 0;
  for (let n = 0; n < 40; n += 1) {
    const frame = 'x'.repeat(500);
    await broker.publish(['app/a', 'app/b', 'app/c'].map((topic) => ({ topic, frame, durable: true })));
    t.ok((held('channel-log-bytes') ?? 0) <= 11_000);
  }
  t.equal(metrics.refused.get('channel-log-bytes'), 1, 'two of them have room');
  later(120);
  for (const topic of ['app/a', 'app/b', 'app/c']) await broker.keep(topic);
  for (const topic of ['app/a', 'app/b', 'app/c']) await broker.since(topic, { epoch: '', offset: 0 });
  t.equal(held('channel-log-bytes'), empty, 'what was trimmed is not counted any more');
});

t.test('last events of cache channels are bounded in number and bytes', async (t) => {
  const { broker, metrics, held } = await start({ maxCachedEvents: 3, maxCachedBytes: 5000 });
  t.teardown(() => broker.close());
  for (let n = 0; n < 5; n += 1) await broker.publish([{ topic: `app/cache-${n}`, frame: 'x', cacheSeconds: 60 }]);
  t.equal(held('cached-events'), 3);
  t.equal(metrics.refused.get('cached-events'), 2);
  t.equal(await broker.cached('app/cache-1'), undefined);
  t.match(await broker.cached('app/cache-4'), { frame: 'x' });
  await broker.publish([{ topic: 'app/cache-large', frame: 'x'.repeat(4600), cacheSeconds: 60 }]);
  t.equal(held('cached-events'), 1);
  t.ok((held('cached-event-bytes') ?? 0) <= 5000);
  t.ok(metrics.refused.get('cached-event-bytes') >= 1);
});

t.test('an app that has very many logs, or large ones, makes room of its own, and takes none of others', async (t) => {
  for (const limits of [{ maxLogs: 10 }, { maxLogBytes: 15_000 }]) {
    const { broker, delivered } = await start(limits);
    t.teardown(() => broker.close());
    await broker.keep('quiet/a');
    const [marker] = delivered;
    if (marker === undefined) throw new Error('the log was announced');
    await broker.publish([{ topic: 'quiet/a', frame: '{"event":"e"}', durable: true }]);
    for (let n = 0; n < 30; n += 1) {
      await broker.keep(`loud/${n}`);
      await broker.publish([{ topic: `loud/${n}`, frame: 'x'.repeat(1000), durable: true }]);
    }
    const since = await broker.since('quiet/a', marker.position);
    t.equal(since?.length, 1, Object.keys(limits).join());
  }
});

t.test('so it is with the last events of cache channels', async (t) => {
  const { broker, metrics } = await start({ maxCachedEvents: 10 });
  t.teardown(() => broker.close());
  await broker.publish([{ topic: 'quiet/cache-a', frame: '{}', cacheSeconds: 60 }]);
  for (let n = 0; n < 30; n += 1) await broker.publish([{ topic: `loud/cache-${n}`, frame: '{}', cacheSeconds: 60 }]);
  t.ok(await broker.cached('quiet/cache-a'));
  t.notOk(await broker.cached('loud/cache-0'));
  t.ok(await broker.cached('loud/cache-29'));
  t.equal(metrics.refused.get('cached-events'), 21);
});
