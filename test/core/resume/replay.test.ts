import t from 'tap';
import { MemorySessionStore } from '../../../src/broker/memory/memory-session-store.ts';
import { Cluster } from '../../../src/core/cluster/cluster.ts';
import type { BrokerMessage } from '../../../src/core/contracts/broker.ts';
import type { ChannelLog, LoggedMessage } from '../../../src/core/contracts/channel-log.ts';
import { createMetrics } from '../../../src/core/contracts/metrics.ts';
import { topicOf } from '../../../src/core/contracts/topic.ts';
import { Delivery } from '../../../src/core/delivery/delivery.ts';
import { Replay } from '../../../src/core/resume/replay.ts';
import { Resume } from '../../../src/core/resume/resume.ts';
import { channelKind } from '../../../src/protocol/channel-name.ts';
import { FakeBroker, fakeConnection } from '../../support/fakes.ts';
import { SESSION_RETENTION, sessionOwner } from '../../support/session-bounds.ts';

const CHANNEL = 'room';
const nothing = () => undefined;
const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** A connection that is about to join, and a log that answers `read` to it. */
function setUp(read: readonly number[]) {
  const connection = fakeConnection();
  const topic = topicOf(connection.app.id, CHANNEL);
  const event = (offset: number, frame = String(offset)): LoggedMessage => ({
    topic,
    frame,
    position: { epoch: 'e', offset },
  });
  const marker = { topic, frame: '', position: { epoch: 'e', offset: 4 } };
  const log: ChannelLog = {
    keep: async () => delivery.deliver(marker),
    since: async () => read.map((offset) => event(offset)),
    recent: async () => [],
  };
  const delivery: Delivery = new Delivery(log, logger);
  const settings = () => ({ ackIntervalSeconds: 1, checkpointSeconds: 1, windowSeconds: 100 });
  const store = new MemorySessionStore(() => SESSION_RETENTION);
  const cluster = new Cluster({ broker: new FakeBroker(), delivery, version: '', isReady: () => true, logger });
  const resume = new Resume({ settings, store, log, logged: delivery.logged, cluster, logger });
  const replay = new Replay(log, delivery.logged, resume, createMetrics());
  const subscription = { channel: CHANNEL, topic, kind: channelKind(CHANNEL), member: undefined, joinedAtMs: 0 };
  delivery.logged.expect(topic);
  const sent: string[] = [];
  delivery.addTransport({ publish: (_, frame) => sent.push(frame) });
  return { connection, topic, event, delivery, store, resume, replay, subscription, sent };
}

const framesOf = (messages: readonly BrokerMessage[]) => messages.map(({ frame }) => frame);

t.test('a joiner without a past gets what was sent during the join, but not what is its own', async (t) => {
  const { connection, topic, delivery, replay, subscription } = setUp([]);
  const recording = delivery.record(topic);
  const past = await replay.prepare(connection, subscription);
  t.equal(past, undefined);
  delivery.deliver({ topic, frame: 'event' });
  delivery.deliver({ topic, frame: 'own', exceptSocketId: connection.socketId });
  delivery.deliver({ topic, frame: 'member', memberChange: true });
  delivery.deliver({ topic, frame: 'event' });
  const { head, messages } = replay.complete(connection, subscription, past, recording);
  t.equal(head, undefined);
  t.same(framesOf(messages), ['event', 'event'], 'two events may be alike');
});

t.test('a resumable joiner gets what was read and what came meanwhile, each once', async (t) => {
  const { connection, topic, event, delivery, store, resume, replay, subscription, sent } = setUp([3, 4, 5, 6, 7]);
  const saved = { socketIds: ['9.9'], channels: new Map([[CHANNEL, { epoch: 'e', offset: 2 }]]) };
  await store.release(sessionOwner(connection.app.id, 'session', '9.9'), saved);
  await resume.claim(connection, 'session');
  const recording = delivery.record(topic);
  const preparing = replay.prepare(connection, subscription);
  await new Promise(setImmediate);
  for (const offset of [5, 6, 7]) delivery.deliver(event(offset));
  const past = await preparing;
  delivery.deliver({ ...event(8), exceptSocketId: '9.9' });
  delivery.deliver({ topic, frame: 'count' });
  delivery.deliver(event(9, '7'));
  const { head, messages, recovered } = replay.complete(connection, subscription, past, recording);
  t.equal(recovered, true);
  t.same(framesOf(messages), ['3', '4', '5', '6', '7', 'count', '7']);
  t.match(head, '\\"events\\":6', 'a count is no event');
  t.equal(sent.length, 6, 'others were sent each once');
});
