import t from 'tap';
import type { ChannelLog, LoggedMessage } from '../../../src/core/contracts/channel-log.ts';
import { Delivery } from '../../../src/core/delivery/delivery.ts';

const TOPIC = 'app/room';
const event = (offset: number): LoggedMessage => ({
  topic: TOPIC,
  frame: `{"n":${offset}}`,
  position: { epoch: 'e', offset },
});

function setUp(since: ChannelLog['since']) {
  const errors: string[] = [];
  const nothing = () => undefined;
  const logger = {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: (_: object, text: string) => errors.push(text),
  };
  const log: ChannelLog = { keep: async () => undefined, since, recent: async () => [] };
  const delivery = new Delivery(log, logger);
  const sent: string[] = [];
  delivery.addTransport({
    publish: () => {
      throw new Error('a transport with a fault');
    },
  });
  delivery.addTransport({ publish: (_, frame) => sent.push(frame) });
  return { delivery, sent, errors };
}

t.test("one transport's fault keeps nothing from the others", async (t) => {
  const { delivery, sent, errors } = setUp(async () => []);
  delivery.deliver({ topic: TOPIC, frame: 'a' });
  t.same(sent, ['a']);
  t.equal(errors.length, 1);
});

t.test('nor does it end the repair of a gap, or the process', async (t) => {
  const { delivery, sent, errors } = setUp(async () => [event(2), event(3)]);
  delivery.logged.expect(TOPIC);
  const rejections: unknown[] = [];
  const note = (reason: unknown) => rejections.push(reason);
  process.on('unhandledRejection', note);
  t.teardown(() => process.off('unhandledRejection', note));
  delivery.deliver(event(1));
  delivery.deliver(event(4));
  await new Promise((resolve) => setTimeout(resolve, 10));
  const offsets = [1, 2, 3, 4];
  t.same(
    sent,
    offsets.map((offset) => `{"n":${offset},"id":"e:${offset}"}`),
  );
  t.equal(errors.length, 4);
  t.same(rejections, []);
});

t.test('a listener with a fault is logged', async (t) => {
  const { delivery, errors, sent } = setUp(async () => []);
  delivery.listen(TOPIC, () => {
    throw new Error('a listener with a fault');
  });
  delivery.deliver({ topic: TOPIC, frame: 'a' });
  t.equal(errors.length, 1);
  t.same(sent, [], 'what is listened to is for no socket');
});
