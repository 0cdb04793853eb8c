import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { SET_COUNT } from '../../../src/broker/redis/scripts/counts.ts';
import { PUBLISH } from '../../../src/broker/redis/scripts/frames.ts';
import { DEFAULT_REDIS_SETTINGS } from '../../../src/broker/redis/wire/settings.ts';
import { RedisStore, UNTIL_DONE_IN_TURN } from '../../../src/broker/redis/wire/store.ts';
import { capture } from '../../support/auth.ts';
import { startRedis } from '../../support/redis-server.ts';
import { until } from '../../support/wait.ts';

const ENTRIES = 1000;
const AT_ONCE = 50;

async function start(t: Test) {
  const redis = await startRedis();
  const settings = { ...DEFAULT_REDIS_SETTINGS, url: redis.url, acceptTimeoutSeconds: 1 };
  const store = new RedisStore(settings, capture().logger);
  t.teardown(async () => {
    await store.close();
    await redis.stop();
  });
  await until(() => store.isReady(), 'Redis is there');
  const enter = (at: number): Promise<number> => {
    const channel = `c${at}`;
    return store.run(SET_COUNT, `app/${channel}`, ['app', channel, '', '', 'node', 1], UNTIL_DONE_IN_TURN);
  };
  return { redis, store, enterAll: () => Promise.all(Array.from({ length: ENTRIES }, (_, at) => enter(at))) };
}

t.test('what is published passes by all that strangers have written but the next few', async (t) => {
  const { redis, store, enterAll } = await start(t);
  let seen = '';
  const monitor = connect(redis.port, '127.0.0.1').setEncoding('utf8');
  monitor.on('data', (text) => {
    seen += String(text);
  });
  monitor.write('MONITOR\r\n');
  t.teardown(() => monitor.destroy());
  await until(() => seen.includes('OK'), 'what Redis is sent is seen');
  const entered = enterAll();
  await store.run(PUBLISH, 'app/honest', ['.{}'], store.onePublish());
  t.same(new Set(await entered), new Set([1]), 'all are written');
  const sent = () => seen.split('\n').map((line) => /\] "(evalsha|PUBLISH)"/i.exec(line)?.[1]?.toLowerCase());
  await until(() => sent().filter((name) => name === 'evalsha').length === ENTRIES, 'all are seen');
  const before = sent()
    .filter((name) => name !== undefined)
    .indexOf('publish');
  t.ok(before >= 0 && before <= AT_ONCE, `${before} of ${ENTRIES} before it`);
});

t.test('those that wait are written after Redis was away, as those are that it has left unanswered', async (t) => {
  const { redis, enterAll } = await start(t);
  redis.signal('SIGSTOP');
  const entered = enterAll();
  await new Promise(setImmediate);
  await redis.kill();
  await redis.start();
  t.same(new Set(await entered), new Set([1]), 'every one of them is answered');
});
