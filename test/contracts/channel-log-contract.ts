import type { Test } from 'tap';
import type { Broker, BrokerMessage } from '../../src/core/contracts/broker.ts';
import {
  type ChannelHistory,
  type ChannelLog,
  isMarker,
  type LogBounds,
  type LoggedMessage,
  previousOffset,
} from '../../src/core/contracts/channel-log.ts';
import { unique } from '../support/names.ts';
import { until } from '../support/wait.ts';

/** A node as this contract sees it. Its broker is ready and has not been started. */
export interface LogNode {
  readonly broker: Broker;
  readonly log: ChannelLog;
  readonly history: ChannelHistory;
  close(): Promise<void>;
}

/** Nodes that share their state and have these bounds; one if there is no sharing. */
export type StartLogNodes = (bounds: LogBounds) => Promise<readonly LogNode[]>;

const BOUNDS: LogBounds = { maxEvents: 5, maxBytes: 300, maxAgeSeconds: 30 };

interface Logged {
  readonly topic: string;
  readonly log: ChannelLog;
  readonly history: ChannelHistory;
  /** What arrived at the first and at the last node. */
  readonly here: LoggedMessage[];
  readonly there: LoggedMessage[];
  /** Waits for the message that comes of it at both nodes. */
  keep(): Promise<LoggedMessage>;
  publish(frame: string, more?: Partial<BrokerMessage>): Promise<LoggedMessage>;
}

async function setUp(t: Test, start: StartLogNodes, bounds = BOUNDS): Promise<Logged> {
  const nodes = await start(bounds);
  t.teardown(() => Promise.all(nodes.map((node) => node.close())));
  const topic = `app/${unique('room')}`;
  const arrived = await Promise.all(
    nodes.map(async ({ broker }) => {
      const messages: BrokerMessage[] = [];
      await broker.start(
        (message) => messages.push(message),
        () => undefined,
      );
      await broker.subscribe(topic);
      return messages;
    }),
  );
  const [first] = nodes;
  const here = arrived[0];
  const there = arrived.at(-1);
  const last = nodes.at(-1);
  if (first === undefined || last === undefined || here === undefined || there === undefined)
    throw new Error('no node');
  const after = async (act: () => Promise<void>): Promise<LoggedMessage> => {
    const count = here.length;
    await act();
    await until(() => here.length > count && there.length === here.length, 'the message arrives at every node');
    return here.at(-1) as LoggedMessage;
  };
  return {
    topic,
    log: last.log,
    history: last.history,
    here: here as LoggedMessage[],
    there: there as LoggedMessage[],
    keep: () => after(() => first.log.keep(topic)),
    publish: (frame, more = {}) => after(() => first.broker.publish([{ topic, frame, durable: true, ...more }])),
  };
}

const frames = (messages: readonly LoggedMessage[] | undefined) => messages?.map(({ frame }) => frame);

/** core/contracts/channel-log.ts, for whichever implementation. */
export async function channelLogContract(t: Test, start: StartLogNodes): Promise<void> {
  await t.test('what nobody wants logged has no position and is not kept', async (t) => {
    const { topic, log, publish } = await setUp(t, start);
    t.equal((await publish('a')).position, undefined);
    t.same(await log.recent(topic, 10, 30), []);
  });

  await t.test('keeping tells every node where the log ends, in the order of the messages', async (t) => {
    const { keep, publish, here, there } = await setUp(t, start);
    const first = await keep();
    t.equal(isMarker(first), true);
    await publish('a');
    await publish('b');
    const second = await keep();
    t.same(frames(here), ['', 'a', 'b', '']);
    t.same(
      there.map(({ position }) => position),
      here.map(({ position }) => position),
    );
    t.same(second.position, here[2]?.position, 'a marker stands where the last message does');
  });

  await t.test('positions grow, and each message tells of the one before it', async (t) => {
    const { keep, publish } = await setUp(t, start);
    let before = (await keep()).position;
    for (const frame of ['a', 'b', 'c']) {
      const message = await publish(frame);
      t.equal(message.position.epoch, before.epoch);
      t.ok(message.position.offset > before.offset);
      t.equal(previousOffset(message), before.offset);
      before = message.position;
    }
  });

  await t.test('since: what came after, in order, as it was published', async (t) => {
    const { topic, log, keep, publish, here } = await setUp(t, start);
    const { position: begin } = await keep();
    const a = await publish('{"event":"a","data":"ä\\u2028 \\"x\\""}', { exceptSocketId: '1.2' });
    const b = await publish('b');
    const read = await log.since(topic, begin);
    t.same(frames(read), [a.frame, 'b']);
    t.same(
      read?.map(({ position }) => position),
      here.slice(1).map(({ position }) => position),
    );
    t.same(
      read?.map(({ exceptSocketId }) => exceptSocketId),
      ['1.2', undefined],
    );
    t.same(frames(await log.since(topic, a.position)), ['b']);
    t.same(await log.since(topic, b.position), [], 'at the end there is nothing more, which is no gap');
    t.equal(await log.since(topic, { ...begin, epoch: 'another' }), undefined);
    t.equal(await log.since(`${topic}-other`, begin), undefined);
  });

  await t.test('only durable messages are logged', async (t) => {
    const { topic, log, keep, publish } = await setUp(t, start);
    const { position } = await keep();
    t.equal((await publish('member_added', { durable: false })).position, undefined);
    t.same(await log.since(topic, position), []);
  });

  await t.test('the count bounds it', async (t) => {
    const { topic, log, keep, publish } = await setUp(t, start);
    const { position: begin } = await keep();
    const a = await publish('a');
    for (const frame of ['b', 'c', 'd', 'e']) await publish(frame);
    t.same(frames(await log.since(topic, begin)), ['a', 'b', 'c', 'd', 'e'], 'full is not over');
    await publish('f');
    t.equal(await log.since(topic, begin), undefined);
    t.same(frames(await log.since(topic, a.position)), ['b', 'c', 'd', 'e', 'f']);
  });

  await t.test('bytes bound it', async (t) => {
    const { topic, log, keep, publish } = await setUp(t, start);
    const { position: begin } = await keep();
    const a = await publish('a'.repeat(120));
    await publish('b'.repeat(120));
    t.equal((await log.since(topic, begin))?.length, 2);
    await publish('é'.repeat(60));
    t.equal(await log.since(topic, begin), undefined);
    t.equal((await log.since(topic, a.position))?.length, 2);
  });

  await t.test('a message larger than the log leaves a gap, and the log goes on', async (t) => {
    const { topic, log, keep, publish } = await setUp(t, start);
    const { position: begin } = await keep();
    const large = await publish('x'.repeat(400));
    t.equal(large.frame.length, 400, 'it is delivered all the same');
    t.equal(await log.since(topic, begin), undefined);
    await publish('b');
    t.same(frames(await log.since(topic, large.position)), ['b']);
  });

  await t.test('age bounds it', async (t) => {
    const { topic, log, keep, publish } = await setUp(t, start, { ...BOUNDS, maxAgeSeconds: 1 });
    const { position: begin } = await keep();
    await publish('a');
    await until(async () => {
      await keep();
      await publish('later');
      return (await log.since(topic, begin)) === undefined;
    }, 'the first message is too old');
  });

  await t.test('recent: at most so many, none older, oldest first', async (t) => {
    const { topic, log, keep, publish } = await setUp(t, start);
    t.same(await log.recent(topic, 3, 30), [], 'of no log');
    await keep();
    t.same(await log.recent(topic, 3, 30), [], 'of an empty log');
    for (const frame of ['a', 'b', 'c', 'd']) await publish(frame);
    const recent = await log.recent(topic, 3, 30);
    t.same(frames(recent), ['b', 'c', 'd']);
    const [first] = recent;
    if (first === undefined) throw new Error('there are recent messages');
    t.same(frames(await log.since(topic, first.position)), ['c', 'd'], 'with positions to go on from');
    const { epoch, offset } = first.position;
    t.same(frames(await log.since(topic, { epoch, offset: offset - 1 })), ['b', 'c', 'd'], 'or to begin at');
  });

  await t.test('pages: the last events, or those after a position, and whether that is all', async (t) => {
    const { topic, history, keep, publish } = await setUp(t, start);
    t.equal(await history.page(topic, undefined, 3), undefined, 'of no log');
    const { position: begin } = await keep();
    t.same(await history.page(topic, undefined, 3), { messages: [], end: begin, reachesBack: true }, 'of an empty log');
    t.same(await history.page(topic, begin, 3), { messages: [], end: begin, reachesBack: true });
    const a = await publish('a', { exceptSocketId: '1.2' });
    for (const frame of ['b', 'c', 'd']) await publish(frame);
    const last = await history.page(topic, undefined, 3);
    t.same(frames(last?.messages), ['b', 'c', 'd']);
    t.same(last?.end, last?.messages.at(-1)?.position);
    const first = await history.page(topic, begin, 2);
    t.match(first, { reachesBack: true, end: last?.end });
    t.same(frames(first?.messages), ['a', 'b']);
    t.equal(first?.messages[0]?.exceptSocketId, '1.2');
    for (const frame of ['e', 'f']) await publish(frame);
    t.same(frames((await history.page(topic, a.position, 9))?.messages), ['b', 'c', 'd', 'e', 'f']);
    for (const position of [begin, { ...begin, epoch: 'another' }]) {
      const cut = await history.page(topic, position, 3);
      t.equal(cut?.reachesBack, false);
      t.same(frames(cut?.messages), ['b', 'c', 'd'], 'what there is, from its beginning');
    }
  });

  await t.test('a message may ask to be logged, whether or not anyone keeps the log', async (t) => {
    const { topic, log, publish } = await setUp(t, start);
    const a = await publish('a', { logSeconds: 20 });
    t.type(a.position, 'object');
    await publish('b');
    t.same(frames(await log.recent(topic, 5, 30)), ['a', 'b'], 'and the following ones with it');
  });
}
