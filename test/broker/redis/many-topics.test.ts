import t from 'tap';
import { Link } from '../../../src/broker/redis/wire/link.ts';
import { capture } from '../../support/auth.ts';
import { startRedis } from '../../support/redis-server.ts';

t.test('a node leaves 200,000 topics at once: more than one command, or one call, can name', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const { hostname, port } = new URL(redis.url);
  let isReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  const nothing = () => undefined;
  const owner = { resubscribe: async () => undefined, ready: isReady, down: nothing, message: nothing, moved: nothing };
  const { logger } = capture();
  const options = { owner, sharded: false, logger, heartbeatMs: 10_000 };
  const link = new Link('redis', { host: hostname, port: Number(port) }, options);
  t.teardown(() => link.close());
  await ready;
  await link.subscribe(['topic-7', 'topic-199999']);
  await link.unsubscribe(Array.from({ length: 200_000 }, (_, n) => `topic-${n}`));
  const reply = String(await link.send('PUBSUB', ['NUMSUB', 'topic-7', 'topic-199999']));
  t.equal(reply, 'topic-7,0,topic-199999,0');
});
