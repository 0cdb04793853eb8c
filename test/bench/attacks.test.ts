import t from 'tap';
import { ATTACKS, WRONG } from '../../bench/attacks/attacks.ts';
import { HTTP_ATTACKERS } from '../../bench/attacks/http-attackers.ts';
import { type Outcome, tableOf, verdictOf } from '../../bench/attacks/outcome.ts';
import { REDIS_ATTACKERS } from '../../bench/attacks/redis-attackers.ts';
import { SOCKET_ATTACKERS } from '../../bench/attacks/socket-attackers.ts';
import { WEBHOOK_ATTACKERS } from '../../bench/attacks/webhook-attackers.ts';

const LOOP = { p99Ms: 1, maxMs: 5 };
const HELD: Outcome = {
  ...{ name: 'a', what: 'an attack', survived: true, died: undefined, saw: '', stop: 'exit code 0 after 0.2 s' },
  ...{ grownMb: 3, cpuShare: 0.2, logMb: 0, redisGrownMb: Number.NaN },
  calm: { events: 100, p50Ms: 1, p99Ms: 3, lost: 0 },
  under: { events: 100, p50Ms: 1, p99Ms: 9, lost: 0 },
  delaysCalm: { server: LOOP, clients: LOOP },
  delays: { server: undefined, clients: LOOP },
};

t.test('each attack has somebody who does it, and the other way round', async (t) => {
  const all = { ...HTTP_ATTACKERS, ...SOCKET_ATTACKERS, ...REDIS_ATTACKERS, ...WEBHOOK_ATTACKERS };
  const attackers = Object.keys(all);
  t.strictSame(ATTACKS.map(({ name }) => name).sort(), attackers.sort());
});

t.test('what a server did not hold is named', async (t) => {
  t.equal(verdictOf(HELD), undefined, 'who waits less than anybody notices is not worse off');
  const slow = { ...HELD, under: { ...HELD.under, p99Ms: 30, lost: 2 } };
  t.equal(verdictOf(slow), 'p99 3.0 ms to 30 ms, 2 receipts lost');
  t.equal(verdictOf({ ...slow, isRedisAway: true }), undefined, 'nobody is served as before without Redis');
  t.equal(verdictOf({ ...HELD, grownMb: 200 }), undefined, 'what was asked for takes memory');
  t.equal(verdictOf({ ...HELD, grownMb: 200, isOfMemory: true }), 'grew by 200 MB');
  t.equal(verdictOf({ ...HELD, saw: `${WRONG}3 of 5 came` }), '3 of 5 came');
  t.equal(verdictOf({ ...HELD, stop: 'does not stop' }), 'on SIGTERM: does not stop');
  t.equal(verdictOf({ ...HELD, survived: false, died: 'SIGABRT' }), 'dead: SIGABRT');
  t.equal(verdictOf({ ...HELD, survived: false }), 'hangs');
});

t.test('the table has a row for each', async (t) => {
  const [, , row] = tableOf([{ ...HELD, saw: '7 answers' }]).split('\n');
  t.equal(
    row,
    '| a | held | +3 MB | 20 % | 3.0 ms | 9.0 ms | 1.0 ms, 5.0 ms |  | 1.0 ms, 5.0 ms | 1.0 ms, 5.0 ms | 7 answers |',
  );
});
