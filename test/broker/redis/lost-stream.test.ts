import { pino } from 'pino';
import t, { type Test } from 'tap';
import { DEFAULT_REDIS_SETTINGS, redisState } from '../../../src/broker/redis/index.ts';
import type { Position } from '../../../src/core/contracts/position.ts';
import { unique } from '../../support/names.ts';
import { startRedis } from '../../support/redis-server.ts';
import { SESSION_BOUNDS } from '../../support/session-bounds.ts';
import { until } from '../../support/wait.ts';

/** Redis throws keys away if it may evict: a log's stream can go while the hash that tells of it stays. */
const redis = await startRedis();
t.teardown(() => redis.stop());
const LOG = { maxEvents: 10, maxBytes: 10_000, maxAgeSeconds: 30 };

async function startLog(t: Test) {
  const keyPrefix = `${unique('test')}:`;
  const settings = { ...DEFAULT_REDIS_SETTINGS, url: redis.url, keyPrefix };
  const retention = { log: LOG, sessionSeconds: 60, session: SESSION_BOUNDS };
  const { broker, roster, log } = redisState(settings, () => retention, pino({ level: 'silent' }));
  await until(() => broker.isReady(), 'the node has reached Redis');
  t.teardown(async () => {
    await roster.close();
    await broker.close();
  });
  const topic = `app/${unique('room')}`;
  const positions: Position[] = [];
  await broker.start(
    ({ position }) => position !== undefined && positions.push(position),
    () => undefined,
  );
  await broker.subscribe(topic);
  const after = async (act: () => Promise<void>): Promise<Position> => {
    const count = positions.length;
    await act();
    await until(() => positions.length > count, 'it arrives');
    return positions[count] as Position;
  };
  return {
    log,
    topic,
    keep: () => after(() => log.keep(topic)),
    publish: (frame: string, more = {}) => after(() => broker.publish([{ topic, frame, durable: true, ...more }])),
    stream: async () => {
      const keys = (await redis.command('KEYS', `${keyPrefix}*stream:${topic}`)).split('\n');
      return keys[0] ?? '';
    },
  };
}

const framesOf = (messages: readonly { frame: string }[] | undefined) => messages?.map(({ frame }) => frame);

for (const [what, lose] of [
  ['has vanished', (stream: string) => redis.command('DEL', stream)],
  ['was cut by somebody else', (stream: string) => redis.command('XTRIM', stream, 'MAXLEN', '1')],
] as const) {
  await t.test(`a log whose stream ${what} does not claim to have everything`, async (t) => {
    const { log, topic, keep, publish, stream } = await startLog(t);
    const begin = await keep();
    const first = await publish('a');
    const last = await publish('b');
    await lose(await stream());
    t.equal(await log.since(topic, begin), undefined, 'a and b came after, and cannot be given');
    t.equal(await log.since(topic, first), undefined);
    t.same(await log.since(topic, last), [], 'nothing came after b');
    t.same(await log.recent(topic, 10, 30), []);

    await keep();
    t.equal(await log.since(topic, begin), undefined, 'keeping it brings nothing back');
    await publish('c');
    t.equal(await log.since(topic, first), undefined, 'nor does the next event');
    t.same(framesOf(await log.since(topic, last)), ['c']);
    t.same(framesOf(await log.recent(topic, 10, 30)), ['c']);
    t.ok(Number(await redis.command('PTTL', await stream())) > 0, 'the stream that takes its place ends some time');
  });
}

await t.test('an event that is kept by itself finds out as well', async (t) => {
  const { log, topic, publish, stream } = await startLog(t);
  const first = await publish('a', { logSeconds: 20 });
  await publish('b', { logSeconds: 20 });
  await redis.command('DEL', await stream());
  await publish('c', { logSeconds: 20 });
  t.equal(await log.since(topic, first), undefined);
  t.same(framesOf(await log.recent(topic, 10, 30)), ['c']);
});
