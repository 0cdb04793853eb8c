import t from 'tap';
import { Chaos } from '../../bench/chaos/chaos.ts';

/** `npm run chaos` in its short form. */
t.test('three nodes: cuts, drains, a kill and a Redis restart, and no event is missed', async (t) => {
  // On a busy machine, three nodes take their time to start, and pusher-js 15 s after an attempt that failed.
  t.setTimeout(240_000);
  const result = await new Chaos({
    helped: 20,
    resumable: 20,
    plain: 4,
    channels: 10,
    eventsPerSecond: 40,
    seconds: 24,
    nodes: 3,
    ackIntervalSeconds: 1,
    checkpointSeconds: 2,
    shutdownGraceSeconds: 2,
    log: (line) => t.comment(line),
  }).run();
  t.comment(JSON.stringify({ ...result, missed: result.missed.length, outOfOrder: result.outOfOrder.length }));
  t.same(result.missed.slice(0, 10), []);
  t.same(result.outOfOrder.slice(0, 10), []);
  t.equal(result.duplicatesOfHelped, 0, 'with fanfare/client, nothing comes twice');
  // The log reaches back over all of it, and Redis has kept what it had.
  t.equal(result.announcedGaps, 0);
  t.ok(result.cuts > 0 && result.vanished > 0 && result.reconnects > 0);
  t.match(result, { drains: 3, kills: 1, redisRestarts: 1 });
  t.ok(result.expected > 1000);
  // Between two savings and two acknowledgements, if the client was not cut again before; and while Redis was away,
  // nothing could be saved.
  t.ok(result.oldestDuplicateMs < 20_000, `the oldest duplicate had come ${result.oldestDuplicateMs} ms before`);
});
