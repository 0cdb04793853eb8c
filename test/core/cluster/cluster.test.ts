import { mock } from 'node:test';
import t from 'tap';
import { Cluster } from '../../../src/core/cluster/cluster.ts';
import { createMetrics } from '../../../src/core/contracts/metrics.ts';
import { topicOf } from '../../../src/core/contracts/topic.ts';
import { Delivery } from '../../../src/core/delivery/delivery.ts';
import { FakeBroker, recordingLogger } from '../../support/fakes.ts';

t.test('nodes that died without a word make room for those that came after them', async (t) => {
  mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_000_000 });
  t.teardown(() => mock.timers.reset());
  const { logger } = recordingLogger();
  const noLog = { keep: async () => undefined, since: async () => undefined, recent: async () => [] };
  const delivery = new Delivery(noLog, logger, createMetrics());
  const cluster = new Cluster({ broker: new FakeBroker(), delivery, version: '0', isReady: () => true, logger });
  cluster.start();
  t.teardown(() => cluster.stop());
  const tells = (from: string) =>
    delivery.deliver({
      topic: topicOf('', '#nodes'),
      frame: JSON.stringify({ kind: 'status', from, status: { id: from } }),
    });
  for (let node = 0; node < 200; node += 1) tells(`dead-${node}`);
  tells('one-too-many');
  t.notOk(cluster.isThere('one-too-many'), 'there is room for so many');
  mock.timers.tick(61_000);
  tells('newcomer');
  t.ok(cluster.isThere('newcomer'));
  t.ok(cluster.hasOthers);
});
