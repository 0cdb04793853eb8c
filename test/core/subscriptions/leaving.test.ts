import t from 'tap';
import { startCore } from '../../support/core.ts';
import { turnsOf } from '../../support/turns.ts';
import { app } from '../../support/unit-app.ts';

t.test('a connection with very many channels leaves them in slices: others have their turns', async (t) => {
  const { core, connect } = await startCore(t, [app({ limits: { maxChannelsPerConnection: 0, channelsAtOnce: 0 } })]);
  const { connection } = await connect();
  const channels = 3000;
  for (let at = 0; at < channels; at += 1) {
    core.connections.message(connection, `{"event":"pusher:subscribe","data":{"channel":"c${at}"}}`);
  }
  while (!connection.tasks.idle) await new Promise(setImmediate);
  t.equal(connection.subscriptions.size, channels);
  const turns = await turnsOf(async () => {
    core.connections.closed(connection, false);
    while (connection.subscriptions.size > 0) await new Promise(setImmediate);
  });
  t.ok(turns >= 100, `${turns} turns`);
});

t.test('as many as the setting says are joined and left at once, the rest with time to spare', async (t) => {
  const channels = 60;
  const turnsWith = async (channelsAtOnce: number) => {
    const { core, connect } = await startCore(t, [app({ limits: { channelsAtOnce } })]);
    const { connection } = await connect();
    // The loop is never idle: what needs time to spare waits for its pause.
    const joining = await turnsOf(async () => {
      for (let at = 0; at < channels; at += 1) {
        core.connections.message(connection, `{"event":"pusher:subscribe","data":{"channel":"c${at}"}}`);
      }
      while (!connection.tasks.idle) await new Promise(setImmediate);
    });
    t.equal(connection.subscriptions.size, channels);
    const leaving = await turnsOf(async () => {
      core.connections.closed(connection, false);
      while (connection.subscriptions.size > 0) await new Promise(setImmediate);
    });
    return { joining, leaving };
  };
  const few = await turnsWith(20);
  for (const { joining, leaving } of [await turnsWith(0), await turnsWith(channels)]) {
    t.ok(joining * 4 < few.joining, `joined in ${joining} turns, and not in ${few.joining}`);
    t.ok(leaving * 4 < few.leaving, `left in ${leaving} turns, and not in ${few.leaving}`);
  }
});

t.test('a thousand channels by default, and a clear refusal of the next', async (t) => {
  const { core, connect } = await startCore(t);
  const { connection, socket } = await connect();
  for (let at = 0; at <= 1000; at += 1) {
    core.connections.message(connection, `{"event":"pusher:subscribe","data":{"channel":"c${at}"}}`);
  }
  while (!connection.tasks.idle) await new Promise((resolve) => setTimeout(resolve, 1));
  t.equal(connection.subscriptions.size, 1000);
  const refusal = socket.calls.find((call) => call.includes('subscription_error'));
  t.match(refusal, /"channel":"c1000".*"type":"LimitReached".*at most 1000 channels.*"status":403/);
});
