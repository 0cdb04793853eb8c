import { pino } from 'pino';
import t from 'tap';
import { type BrokerMessage, BrokerUnavailable } from '../../../src/core/contracts/broker.ts';
import type { ChannelLog, LoggedMessage } from '../../../src/core/contracts/channel-log.ts';
import type { Position } from '../../../src/core/contracts/position.ts';
import { LoggedTopics } from '../../../src/core/delivery/logged-topics.ts';
import { until } from '../../support/wait.ts';

const TOPIC = 'app/room';
const at = (offset: number, epoch = 'e'): Position => ({ epoch, offset });
const event = (offset: number, epoch = 'e'): LoggedMessage => ({
  topic: TOPIC,
  frame: String(offset),
  position: at(offset, epoch),
});
const marker = (offset: number, epoch = 'e'): LoggedMessage => ({
  topic: TOPIC,
  frame: '',
  position: at(offset, epoch),
});

/** A log whose answers the test gives. */
function setUp() {
  const asked: { readonly from: Position; readonly answer: (answer: LoggedMessage[] | undefined | Error) => void }[] =
    [];
  const log: ChannelLog = {
    keep: async () => undefined,
    since: (_, from) =>
      new Promise((resolve, reject) => {
        asked.push({ from, answer: (answer) => (answer instanceof Error ? reject(answer) : resolve(answer)) });
      }),
    recent: async () => [],
  };
  const delivered: string[] = [];
  const lost: string[] = [];
  const topics = new LoggedTopics({
    log,
    publish: ({ frame }: BrokerMessage) => delivered.push(frame),
    lost: (topic) => lost.push(topic),
    logger: pino({ level: 'silent' }),
  });
  topics.expect(TOPIC);
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const answer = async (index: number, given: LoggedMessage[] | undefined | Error) => {
    const call = asked[index];
    if (call === undefined) throw new Error(`the log was asked ${asked.length} times only`);
    call.answer(given);
    await settle();
  };
  return { topics, asked, answer, delivered, lost, settle };
}

t.test('the first message tells where the node stands', async (t) => {
  const { topics, delivered } = setUp();
  t.equal(topics.position(TOPIC), undefined);
  topics.receive(event(7));
  t.same(topics.position(TOPIC), at(7));
  t.same(delivered, ['7']);
});

t.test('a marker tells it too, and nobody is sent it', async (t) => {
  const { topics, delivered } = setUp();
  topics.receive(marker(7));
  t.same(topics.position(TOPIC), at(7));
  t.same(delivered, []);
  topics.receive(event(8));
  t.same(delivered, ['8']);
});

t.test('topics without a subscriber here are left alone', async (t) => {
  const { topics, delivered } = setUp();
  topics.receive({ ...event(1), topic: 'app/other' });
  t.same(delivered, []);
  t.equal(topics.position('app/other'), undefined);
});

t.test('what came already is not delivered again', async (t) => {
  const { topics, delivered, asked } = setUp();
  for (const offset of [1, 2, 2, 1, 3]) topics.receive(event(offset));
  topics.receive(marker(1));
  t.same(delivered, ['1', '2', '3']);
  t.equal(asked.length, 0);
});

t.test('a gap is read from the log, and what comes meanwhile waits behind it', async (t) => {
  const { topics, delivered, asked, answer } = setUp();
  topics.receive(event(1));
  topics.receive(event(4));
  topics.receive(event(5));
  t.same(delivered, ['1']);
  t.same(
    asked.map(({ from }) => from),
    [at(1)],
  );
  await answer(0, [event(2), event(3), event(4)]);
  t.same(delivered, ['1', '2', '3', '4', '5']);
  t.equal(asked.length, 1);
});

t.test('a marker beyond the node shows a gap at the end, which no later message would', async (t) => {
  const { topics, delivered, answer } = setUp();
  topics.receive(event(1));
  topics.receive(marker(3));
  await answer(0, [event(2), event(3)]);
  t.same(delivered, ['1', '2', '3']);
});

t.test('two gaps at once are filled one after the other', async (t) => {
  const { topics, delivered, asked, answer } = setUp();
  topics.receive(event(1));
  topics.receive(event(3));
  topics.receive(event(6));
  await answer(0, [event(2), event(3)]);
  t.same(delivered, ['1', '2', '3']);
  t.same(asked[1]?.from, at(3));
  await answer(1, [event(4), event(5), event(6)]);
  t.same(delivered, ['1', '2', '3', '4', '5', '6']);
});

t.test('offsets may leave numbers out: the one before counts', async (t) => {
  const { topics, delivered, asked } = setUp();
  topics.receive(event(10));
  topics.receive({ ...event(25), previous: 10 });
  t.same(delivered, ['10', '25']);
  topics.receive({ ...event(40), previous: 30 });
  t.same(
    asked.map(({ from }) => from),
    [at(25)],
  );
});

t.test('a gap that the log no longer has is told, and the node goes on behind it', async (t) => {
  const { topics, delivered, lost, answer } = setUp();
  topics.receive(event(1));
  topics.receive(event(5));
  await answer(0, undefined);
  t.same(lost, [TOPIC]);
  t.same(delivered, ['1', '5']);
  topics.receive(event(6));
  t.same(delivered, ['1', '5', '6']);
});

t.test('another epoch is another log: nothing of the earlier one is compared with it', async (t) => {
  const { topics, delivered, lost, answer } = setUp();
  topics.receive(event(100));
  topics.receive(event(1, 'new'));
  await answer(0, undefined);
  t.same(lost, [TOPIC]);
  t.same(topics.position(TOPIC), at(1, 'new'));
  topics.receive(event(2, 'new'));
  t.same(delivered, ['100', '1', '2']);
});

t.test('after an outage the node reads what it missed without waiting for a message', async (t) => {
  const { topics, delivered, asked, answer } = setUp();
  topics.receive(event(1));
  topics.repairAll();
  topics.repairAll();
  t.equal(asked.length, 1, 'once at a time');
  await answer(0, [event(2)]);
  t.same(delivered, ['1', '2']);
});

t.test('after an outage in which the log was lost, the next message tells where the node stands', async (t) => {
  const { topics, delivered, lost, answer, asked } = setUp();
  topics.receive(event(1));
  topics.repairAll();
  await answer(0, undefined);
  t.same(lost, [TOPIC]);
  t.equal(topics.position(TOPIC), undefined);
  topics.repairAll();
  t.equal(asked.length, 1, 'there is nothing to read from');
  topics.receive(event(7, 'new'));
  t.same(topics.position(TOPIC), at(7, 'new'));
  t.same(delivered, ['1', '7']);
  t.same(lost, [TOPIC], 'told once');
});

t.test('a log that is out of reach is asked again, and nothing that came meanwhile is dropped', async (t) => {
  const { topics, delivered, lost, asked, answer } = setUp();
  topics.receive(event(1));
  topics.receive(event(3));
  await answer(0, new BrokerUnavailable('away'));
  topics.receive(event(4));
  t.same(delivered, ['1']);
  await until(() => asked.length === 2, 'the log is asked again');
  await answer(1, [event(2), event(3), event(4)]);
  t.same(delivered, ['1', '2', '3', '4']);
  t.same(lost, []);
});

t.test('a fault in reading counts as a loss: it is told, not waited for', async (t) => {
  const { topics, delivered, lost, answer } = setUp();
  topics.receive(event(1));
  topics.receive(event(3));
  await answer(0, new TypeError('a fault'));
  t.same(lost, [TOPIC]);
  t.same(delivered, ['1', '3']);
});

t.test('what a gap is answered after the last subscriber has left does not reach the next one', async (t) => {
  const { topics, delivered, answer } = setUp();
  topics.receive(event(1));
  topics.receive(event(3));
  topics.forget(TOPIC);
  topics.expect(TOPIC);
  topics.receive(event(4));
  await answer(0, [event(2), event(3), event(4)]);
  t.same(delivered, ['1', '4']);
});

t.test('a joiner that is ahead of the node waits for it', async (t) => {
  const { topics, settle } = setUp();
  topics.receive(event(4));
  let isThere = false;
  const wait = topics.caughtUp(TOPIC, at(6)).then(() => {
    isThere = true;
  });
  topics.receive(event(5));
  await settle();
  t.equal(isThere, false);
  topics.receive(event(6));
  await wait;
});

t.test('a joiner does not wait for ever', async (t) => {
  const { topics } = setUp();
  topics.receive(event(4));
  await t.rejects(topics.caughtUp(TOPIC, at(6)), { code: 'broker_unavailable' });
});

t.test('a gap that the log answers nothing for is told as a loss, not read again and again', async (t) => {
  const { topics, delivered, lost, asked, answer, settle } = setUp();
  topics.receive(event(1));
  topics.receive(event(5));
  topics.receive(event(9));
  await answer(0, []);
  t.same(delivered, ['1', '5'], 'what follows on nothing that is there to be read is delivered all the same');
  t.same(lost, [TOPIC]);
  t.equal(asked.length, 2, 'the next gap is another one');
  await answer(1, []);
  t.same(delivered, ['1', '5', '9']);
  await settle();
  t.equal(asked.length, 2);
  topics.receive(marker(12));
  await answer(2, []);
  t.same(topics.position(TOPIC), at(12), 'a marker beyond what the log has');
  await settle();
  t.equal(asked.length, 3);
});

t.test('behind a gap, a bounded number waits: the rest is read from the log', async (t) => {
  const { topics, delivered, asked, answer } = setUp();
  topics.receive(event(1));
  for (let offset = 3; offset <= 1502; offset += 1) topics.receive(event(offset));
  await answer(0, [event(2), event(3)]);
  t.equal(asked.length, 2, 'not all that came was held: the log is read on');
  t.same(asked[1]?.from, at(3));
  await answer(
    1,
    Array.from({ length: 1499 }, (_, index) => event(index + 4)),
  );
  t.same(
    delivered,
    Array.from({ length: 1502 }, (_, index) => String(index + 1)),
  );
});

t.test('large messages wait in smaller numbers', async (t) => {
  const { topics, asked, answer } = setUp();
  topics.receive(event(1));
  for (let offset = 3; offset <= 20; offset += 1) topics.receive({ ...event(offset), frame: 'x'.repeat(300_000) });
  await answer(0, [event(2), event(3)]);
  t.equal(asked.length, 2);
});
