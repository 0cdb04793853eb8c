import t from 'tap';
import { encodeLastEvent } from '../../../src/core/subscriptions/cached-events.ts';

const CHANNEL = 'cache-c';
const frameOf = (number: number) => `{"event":"e","channel":"cache-c","data":"${number}"}`;
const MISS = '{"event":"pusher:cache_miss","channel":"cache-c","data":"{}"}';

function lastEvent(cached: number | undefined, sent: readonly string[], recovered = false): string | undefined {
  const messages = sent.map((frame) => ({ topic: 'app/cache-c', frame }));
  const read = cached === undefined ? undefined : { frame: frameOf(cached), ttlSeconds: 60 };
  return encodeLastEvent(CHANNEL, read, { head: undefined, messages, recovered });
}

t.test('the last event comes before what came since, and only once', async (t) => {
  t.equal(lastEvent(1, []), frameOf(1));
  t.equal(lastEvent(1, [frameOf(2)]), frameOf(1));
  t.equal(lastEvent(2, [frameOf(1), frameOf(2), frameOf(3)]), undefined, 'it came while it was read');
});

t.test('no event is told, unless one came meanwhile', async (t) => {
  t.equal(lastEvent(undefined, []), MISS);
  t.equal(lastEvent(undefined, ['{"event":"pusher_internal:subscription_count","data":"{}"}']), MISS);
  t.equal(lastEvent(undefined, [frameOf(1)]), undefined);
});

t.test('a client that has all it missed has the last event among it', async (t) => {
  t.equal(lastEvent(1, [], true), undefined);
  t.equal(lastEvent(undefined, [], true), undefined);
});
