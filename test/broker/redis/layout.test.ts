import t from 'tap';
import { decodeMessage, encodeAdded, headOf } from '../../../src/broker/redis/scripts/messages.ts';
import { BUCKETS, bucketOf, Keyspace, slotOfBucket } from '../../../src/broker/redis/wire/keys.ts';
import { closeNode, redisCluster, redisNode } from '../../support/contract-cluster.ts';
import { unique } from '../../support/names.ts';
import { startCluster, startRedis } from '../../support/redis-server.ts';
import { until } from '../../support/wait.ts';

await t.test('a bucket’s keys are in the slot that a Cluster computes', async (t) => {
  const cluster = await startCluster(1);
  t.teardown(() => cluster.stop());
  const keys = new Keyspace('fanfare:');
  for (const bucket of [0, 1, 9, 10, 99, 255]) {
    for (const name of ['app/c', 'app/#watch-}{', 'ü']) {
      const slot = await cluster.masters[0]?.command(
        'CLUSTER',
        'KEYSLOT',
        keys.ofBucket(bucket, ['occupied'], name)[0] ?? '',
      );
      t.equal(slot, String(slotOfBucket(bucket)), `${bucket} ${name}`);
    }
  }
  for (const topic of ['app/c', 'app/#watch-}{', 'app/ü']) {
    const { bucket, channel, of } = keys.topic(topic);
    t.equal(bucket, bucketOf(topic));
    for (const key of [channel, ...of(['members', 'occupied'])]) {
      t.equal(await cluster.masters[0]?.command('CLUSTER', 'KEYSLOT', key), String(slotOfBucket(bucket)), key);
    }
    t.equal(keys.topicOfChannel(channel), topic);
  }
});

await t.test('buckets are evenly filled', async (t) => {
  const filled = new Array<number>(BUCKETS).fill(0);
  const count = 100_000;
  for (let index = 0; index < count; index += 1) {
    const bucket = bucketOf(`app/private-user.${index}`);
    filled[bucket] = (filled[bucket] ?? 0) + 1;
  }
  const mean = count / BUCKETS;
  t.ok(
    Math.max(...filled) < mean * 1.3 && Math.min(...filled) > mean * 0.7,
    `${Math.min(...filled)}-${Math.max(...filled)}`,
  );
  t.throws(() => new Keyspace('my{tag}:'), /brace/);
});

await t.test('messages come out as they went in', async (t) => {
  for (const exceptSocketId of [undefined, '123.456']) {
    for (const frame of ['{"event":"a b"}', ' ', '+1 2 3', '~1.2 x', '漢字\n']) {
      t.match(decodeMessage(headOf(exceptSocketId) + frame), { kind: 'frame', frame, exceptSocketId });
    }
  }
  for (const userId of ['1', 'with space', '3 3', '👍🏽', '{}']) {
    for (const info of [undefined, '{"a":"b c"}', '1']) {
      const change = decodeMessage(`+7 8 ${encodeAdded(userId, info)}`);
      t.same(change, { kind: 'added', previous: 7, version: 8, userId, info });
    }
    t.match(decodeMessage(`-8 9 ${userId}`), { kind: 'removed', previous: 8, version: 9, userId });
  }
  t.match(decodeMessage('!1 1780000000000001 0'), { kind: 'user', version: 1_780_000_000_000_001, online: false });
  t.throws(() => decodeMessage('?'), /unknown character/);
});

await t.test('a node hears what is wanted there, and stops after a linger', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const cluster = await redisCluster(redis.url, 2, { lingerSeconds: 0.2 });
  t.teardown(() => cluster.close());
  const [one, two] = cluster.nodes;
  if (one === undefined || two === undefined) throw new Error('nodes are missing');
  const topics = [`app/${unique('a')}`, `app/${unique('b')}`];
  const heard = async () => (await redis.command('PUBSUB', 'CHANNELS')).split('\n').filter((line) => line !== '');
  for (const topic of topics) await one.broker.subscribe(topic);
  t.equal((await heard()).length, 2);
  await two.broker.publish([{ topic: 'app/nobody', frame: 'x' }]);
  await one.broker.unsubscribe(topics[0] ?? '');
  t.equal((await heard()).length, 2, 'not at once');
  await until(async () => (await heard()).length === 1, 'it is dropped');
  t.match(await heard(), [topics[1] ?? '']);
  t.same(two.delivered, []);
});

await t.test('nothing is left in Redis of those who have left, but what is kept for its time', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const node = await redisNode({ url: redis.url, leaseSeconds: 0.3, keyPrefix: 'left:' });
  const admit = () => undefined;
  for (const topic of ['app/a', 'app/presence-b']) {
    const member = topic.includes('presence-') ? { userId: 'u', info: '{}' } : undefined;
    await node.roster.enter({ topic, socketId: '1.1', member }, admit);
    await node.roster.leave(topic, '1.1');
  }
  await node.roster.signIn('app', 'u', '1.1');
  await node.roster.signOut('app', 'u', '1.1');
  const keys = async () => (await redis.command('KEYS', '*')).split('\n').filter((line) => line !== '');
  await until(async () => (await keys()).length === 1, 'only the lease is left');
  t.match(await keys(), [/leases:nodes$/]);
  await closeNode(node);
  t.same(await keys(), []);
});

await t.test('a node starts without Redis, and is ready when it comes', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  await redis.kill();
  let ready = false;
  const starting = redisNode({ url: redis.url, leaseSeconds: 1 }).then((node) => {
    ready = true;
    return node;
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.equal(ready, false);
  await redis.start();
  await closeNode(await starting);
});
