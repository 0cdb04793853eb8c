import t from 'tap';
import { unique } from '../support/names.ts';
import { on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { startFanfare } from '../support/target.ts';
import { until, within } from '../support/wait.ts';

const target = await startFanfare(t, {
  connections: { maxBackpressureBytes: 256 * 1024, slowReaderGraceSeconds: 1 },
});
const api = new SignedApi(target);
const EVENTS = 400;
const PADDING = 'x'.repeat(60_000);

const sequence = (client: RawClient) =>
  client.frames.filter((frame) => frame.event === 'n').map((frame) => Number.parseInt(String(frame.data), 10));

t.test('a reader that stops sees a prefix without a hole and is closed; others see everything', async (t) => {
  const channel = unique('c');
  const [slow, healthy] = [await RawClient.connect(t, target), await RawClient.connect(t, target)];
  for (const client of [slow, healthy]) await client.subscribe(channel);
  slow.socket.pause();
  // Far more than the buffers of both kernels hold: 24 MB.
  for (let i = 0; i < EVENTS; i += 1) await api.trigger(channel, 'n', `${i} ${PADDING}`);
  await healthy.next((frame) => frame.event === 'n' && String(frame.data).startsWith(`${EVENTS - 1} `), 20_000);
  t.strictSame(
    sequence(healthy),
    Array.from({ length: EVENTS }, (_, i) => i),
    'the healthy reader has them all, in order',
  );

  const fence = unique('after-');
  await api.trigger(channel, fence, '{}');
  await healthy.next(on(channel, fence));
  // Only when the server has given it up does the reader go on: what it can read then is all there will be.
  const vacated = async () => {
    const { json } = await api.get(`/channels/${channel}`, { info: 'subscription_count' });
    return (json as { subscription_count: number }).subscription_count === 1;
  };
  await until(vacated, 'the slow reader is given up', 15_000);
  slow.socket.resume();
  const { code } = await within(slow.closed, 'the close of the slow reader', 15_000);
  t.ok([4100, 1006].includes(code), `closed with 4100, or cut: ${code}`);
  const seen = sequence(slow);
  t.ok(seen.length > 0 && seen.length < EVENTS, `it saw ${seen.length} of ${EVENTS}`);
  t.strictSame(
    seen,
    Array.from({ length: seen.length }, (_, i) => i),
    'a prefix without a hole',
  );
  t.equal(slow.unread(fence).length, 0, 'and nothing behind the cut');
});

t.test('a reader that is slow but reads loses nothing', async (t) => {
  const channel = unique('c');
  const client = await RawClient.connect(t, target);
  await client.subscribe(channel);
  // It stops now and then for as long as one request takes, and catches up.
  for (let i = 0; i < 200; i += 1) {
    if (i % 20 === 0) client.socket.pause();
    if (i % 20 === 2) client.socket.resume();
    await api.trigger(channel, 'n', `${i} ${PADDING}`);
  }
  client.socket.resume();
  await client.next((frame) => frame.event === 'n' && String(frame.data).startsWith('199 '), 20_000);
  t.strictSame(
    sequence(client),
    Array.from({ length: 200 }, (_, i) => i),
  );
});

t.test('a reader that stops for good does not hold up memory or others on other channels', async (t) => {
  const channel = unique('c');
  const readers = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(t, target)));
  for (const reader of readers) {
    await reader.subscribe(channel);
    reader.socket.pause();
  }
  for (let i = 0; i < EVENTS / 2; i += 1) await api.trigger(channel, 'n', `${i} ${PADDING}`);
  const other = await RawClient.connect(t, target);
  await other.subscribe('elsewhere');
  await api.trigger('elsewhere', 'e', '{}');
  await other.next('e');
  for (const reader of readers) reader.cut();
});
