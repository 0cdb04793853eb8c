import t from 'tap';
import { unique } from '../support/names.ts';
import { on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { startFanfare } from '../support/target.ts';
import { TrickleReader } from '../support/trickle-reader.ts';
import { until, within } from '../support/wait.ts';

const target = await startFanfare(t, {
  connections: { maxBackpressureBytes: 256 * 1024, slowReaderGraceSeconds: 1 },
});
const api = new SignedApi(target);
const EVENTS = 250;
const PADDING = 'x'.repeat(96_000);

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

t.test('a reader that reads a little, too late, sees a prefix without a hole, then 4100', async (t) => {
  const patient = await startFanfare(t, {
    connections: { maxBackpressureBytes: 4 * 1024 * 1024, slowReaderGraceSeconds: 30 },
  });
  const backend = new SignedApi(patient);
  const channel = unique('c');
  const slow = await TrickleReader.subscribe(t, patient, channel);
  const count = async () => (await backend.get(`/channels/${channel}`)).json as { occupied: boolean };
  await until(async () => (await count()).occupied, 'the subscription');
  for (let i = 0; i < EVENTS; i += 1) {
    await backend.trigger(channel, 'n', `${i} ${PADDING}`);
    // By then frames were dropped. There is room for new ones before the old ones are all read: they must not be sent.
    if (i >= EVENTS - 80) slow.take(160_000);
  }
  const { messages, closeCode } = await slow.rest(15_000);
  t.equal(closeCode, 4100, 'a code on which a client comes back, after 1 s');
  const frames = messages.map((text) => JSON.parse(text) as { event: string; data: string });
  const seen = frames.filter(({ event }) => event === 'n').map(({ data }) => Number.parseInt(data, 10));
  t.ok(seen.length > 0 && seen.length < EVENTS - 80, `it saw ${seen.length} of ${EVENTS}`);
  t.strictSame(
    seen,
    Array.from({ length: seen.length }, (_, i) => i),
    'a prefix without a hole',
  );
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
