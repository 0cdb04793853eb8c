import t from 'tap';
import { startCore } from '../../support/core.ts';

const text = (event: string, data: unknown) => JSON.stringify({ event, data });

/** What a client is sent if it sends all of this at once: so that all but the first have to wait. */
async function answersTo(t: Parameters<typeof startCore>[0], messages: readonly string[]): Promise<string[]> {
  const { core, connect } = await startCore(t);
  const { connection, socket } = await connect();
  const before = socket.calls.length;
  for (const message of messages) core.connections.message(connection, message);
  while (!connection.tasks.idle) await new Promise(setImmediate);
  return socket.calls.slice(before).filter((call) => call.startsWith('send '));
}

t.test('what is wrong with a subscription that waits is told in its turn', async (t) => {
  const [, broken, twice, , ...more] = await answersTo(t, [
    text('pusher:subscribe', { channel: 'a' }),
    '{"event":"pusher:subscribe","data":{"channel":"b"',
    '{"event":"pusher:subscribe","data":{"channel":"c"},"event":"client-x"}',
    text('pusher:subscribe', { channel: 'd' }),
  ]);
  t.match(broken, /A message must be a JSON object/);
  t.match(twice, /A message must name its \\"event\\" once/);
  t.same(more, []);
});

t.test('a ping is answered out of turn, however much waits', async (t) => {
  const subscribes = Array.from({ length: 100 }, (_, index) => text('pusher:subscribe', { channel: `c-${index}` }));
  const answers = await answersTo(t, [...subscribes, text('pusher:ping', {})]);
  t.equal(answers.length, 101);
  t.match(answers[0], /pusher:pong/);
});
