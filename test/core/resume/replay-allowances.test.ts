import t from 'tap';
import { topicOf } from '../../../src/core/contracts/topic.ts';
import { ReplayAllowances } from '../../../src/core/resume/replay-allowances.ts';
import { startCore } from '../../support/core.ts';
import { app } from '../../support/unit-app.ts';

const MB = 1024 * 1024;
const BEGAN_MS = 1_000_000;
const CHANNEL = 'rewound';

t.test('an address is sent so much at once, and some of it in each second after that', async (t) => {
  const allowances = new ReplayAllowances();
  allowances.sent('192.0.2.1', 1.9 * MB, BEGAN_MS);
  t.equal(allowances.turn('192.0.2.1', BEGAN_MS), undefined, 'some of it is left');
  allowances.sent('192.0.2.1', 0.5 * MB, BEGAN_MS);
  t.equal(allowances.turn('192.0.2.2', BEGAN_MS), undefined, 'another address has its own');
  t.equal(allowances.turn('192.0.2.1', BEGAN_MS), undefined, 'the first has the turn that there is');
  const second = allowances.turn('192.0.2.1', BEGAN_MS);
  t.ok(second instanceof Promise);
  await second;
  t.ok(allowances.turn('192.0.2.1', BEGAN_MS + 1000) instanceof Promise, 'what was too much is made up for');
  t.equal(allowances.turn('192.0.2.1', BEGAN_MS + 3000), undefined);
});

t.test('however much it was sent, it has all of it again after a while', async (t) => {
  const allowances = new ReplayAllowances();
  for (let n = 0; n < 100; n += 1) allowances.sent('192.0.2.1', MB, BEGAN_MS);
  // What was spent before the first of these is no longer waited for.
  allowances.sent('192.0.2.2', 1, BEGAN_MS + 61_000);
  allowances.sent('192.0.2.1', 1.9 * MB, BEGAN_MS + 61_000);
  t.equal(allowances.turn('192.0.2.1', BEGAN_MS + 61_000), undefined);
});

t.test('small replays are not counted', async (t) => {
  const allowances = new ReplayAllowances();
  for (let n = 0; n < 10_000; n += 1) allowances.sent('192.0.2.1', 16_000, BEGAN_MS);
  t.equal(allowances.turn('192.0.2.1', BEGAN_MS), undefined);
});

t.test('who is rewound again and again waits for time to spare, and is sent all of it', async (t) => {
  const rewind = [{ channels: CHANNEL, events: 10, seconds: 60 }];
  const bounds = { maxBytes: MB };
  const { core, state, connect } = await startCore(
    t,
    [app({ rewind, limits: { channelsAtOnce: 0 } })],
    undefined,
    {},
    bounds,
  );
  const { connection, socket } = await connect();
  let replayed = 0;
  const rejoin = async () => {
    core.connections.message(connection, `{"event":"pusher:subscribe","data":{"channel":"${CHANNEL}"}}`);
    core.connections.message(connection, `{"event":"pusher:unsubscribe","data":{"channel":"${CHANNEL}"}}`);
    let turns = 0;
    for (; !connection.tasks.idle; turns += 1) await new Promise(setImmediate);
    replayed += socket.calls.splice(0).filter((call) => call.includes('"x')).length;
    return turns;
  };
  await rejoin();
  const topic = topicOf(app().id, CHANNEL);
  const frame = JSON.stringify({ event: 'e', channel: CHANNEL, data: 'x'.repeat(100_000) });
  for (let n = 0; n < 5; n += 1) await state.broker.publish([{ topic, frame, durable: true }]);
  const turns: number[] = [];
  for (let n = 0; n < 8; n += 1) turns.push(await rejoin());
  t.equal(replayed, 5 * 8);
  const [first = 0] = turns;
  const last = turns.at(-1) ?? 0;
  t.ok(last > first * 10, `${turns.join(', ')} turns of the event loop, which is never idle`);
});
