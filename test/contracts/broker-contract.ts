import type { Test } from 'tap';
import { type ContractNode, hereAndThere, type StartCluster } from '../support/contract-cluster.ts';
import { unique } from '../support/names.ts';
import { until } from '../support/wait.ts';

function framesOf(node: ContractNode, topic: string): string[] {
  return node.delivered.filter((message) => message.topic === topic).map(({ frame }) => frame);
}

/** What every broker does. (core/contracts/broker.ts) */
export async function brokerContract(t: Test, startCluster: StartCluster): Promise<void> {
  const cluster = await startCluster();
  t.teardown(() => cluster.close());
  const { nodes } = cluster;
  const { here, there } = hereAndThere(cluster);
  const subscribed = async () => {
    const topic = `app/${unique('t')}`;
    await Promise.all(nodes.map(({ broker }) => broker.subscribe(topic)));
    return topic;
  };

  await t.test('what is published arrives at every node, the publisher included', async (t) => {
    const topic = await subscribed();
    await here.broker.publish([{ topic, frame: '{"event":"a"}', exceptSocketId: '12.34' }]);
    for (const node of nodes) {
      await until(() => framesOf(node, topic).length === 1, 'the message arrives');
      const [message] = node.delivered.filter((one) => one.topic === topic);
      t.equal(message?.frame, '{"event":"a"}');
      t.equal(message?.exceptSocketId, '12.34');
    }
  });

  await t.test('frames pass as they are', async (t) => {
    const topic = await subscribed();
    const frames = [
      'x',
      ' ',
      '.~+-!',
      'a b c',
      '12.3 45',
      'line\nline\r\n',
      'ü 漢字 👍🏽',
      '\0',
      '"\\u0000"',
      'y'.repeat(300_000),
    ];
    await there.broker.publish(frames.map((frame) => ({ topic, frame })));
    for (const node of nodes) {
      await until(() => framesOf(node, topic).length === frames.length, 'all arrive');
      t.same(framesOf(node, topic), frames);
    }
  });

  await t.test('the order is the same on every node, and each publisher’s own', async (t) => {
    const topic = await subscribed();
    const each = 150;
    await Promise.all(
      nodes.map(async (node, index) => {
        for (let at = 0; at < each; at += 3) {
          const three = [at, at + 1, at + 2].map((number) => ({ topic, frame: `${index}:${number}` }));
          const publish = node.broker.publish(three);
          if (at % 2 === 0) await publish;
        }
      }),
    );
    for (const node of nodes) await until(() => framesOf(node, topic).length === each * nodes.length, 'all arrive');
    const order = framesOf(here, topic);
    for (const node of nodes) t.same(framesOf(node, topic), order);
    for (const index of nodes.keys()) {
      const own = order.filter((frame) => frame.startsWith(`${index}:`)).map((frame) => Number(frame.split(':')[1]));
      t.same(
        own,
        Array.from({ length: each }, (_, number) => number),
      );
    }
  });

  await t.test('topics that differ little are different topics', async (t) => {
    const topic = await subscribed();
    const others = [`${topic}2`, topic.toUpperCase(), `x${topic}`];
    await Promise.all(others.map((other) => here.broker.subscribe(other)));
    await here.broker.publish([topic, ...others].map((one) => ({ topic: one, frame: one })));
    for (const one of [topic, ...others]) {
      await until(() => framesOf(here, one).length === 1, 'the message arrives');
      t.same(framesOf(here, one), [one]);
    }
  });

  await t.test('a topic that is wanted again is heard again', async (t) => {
    const topic = await subscribed();
    for (let round = 0; round < 3; round += 1) {
      await there.broker.unsubscribe(topic);
      await there.broker.subscribe(topic);
      await here.broker.publish([{ topic, frame: `round ${round}` }]);
      await until(() => framesOf(there, topic).length === round + 1, 'the message arrives');
    }
    t.same(framesOf(there, topic), ['round 0', 'round 1', 'round 2']);
  });

  await t.test('the last cached event is kept, for its time, whether or not anyone listens', async (t) => {
    const topic = `app/${unique('cache-')}`;
    t.equal(await here.broker.cached(topic), undefined);
    await here.broker.publish([{ topic, frame: 'first', cacheSeconds: 60 }]);
    await here.broker.publish([{ topic, frame: 'second ü', cacheSeconds: 60 }]);
    await here.broker.publish([{ topic, frame: 'not kept' }]);
    const cached = await there.broker.cached(topic);
    t.equal(cached?.frame, 'second ü');
    t.ok(cached !== undefined && cached.ttlSeconds > 55 && cached.ttlSeconds <= 60);
    await there.broker.publish([{ topic, frame: 'short', cacheSeconds: 1 }]);
    t.equal((await here.broker.cached(topic))?.frame, 'short');
    await until(async () => (await here.broker.cached(topic)) === undefined, 'the event is forgotten');
  });

  await t.test('a cached event is delivered like any other', async (t) => {
    const topic = await subscribed();
    await here.broker.publish([
      { topic, frame: 'plain' },
      { topic, frame: 'kept', cacheSeconds: 5, exceptSocketId: '1.2' },
      { topic, frame: 'plain again' },
    ]);
    for (const node of nodes) {
      await until(() => framesOf(node, topic).length === 3, 'all arrive');
      t.same(framesOf(node, topic), ['plain', 'kept', 'plain again']);
    }
  });

  await t.test('it is ready until it is closed', async (t) => {
    const other = await startCluster();
    const [node] = other.nodes;
    t.equal(node?.broker.isReady(), true);
    await other.close();
    t.equal(node?.broker.isReady(), false);
  });
}
