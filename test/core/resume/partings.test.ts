import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { unique } from '../../support/names.ts';
import { decoded, on, RawClient } from '../../support/raw-client.ts';
import { SignedApi } from '../../support/signed-api.ts';
import { type StartedFanfare, startFanfare } from '../../support/target.ts';
import { within } from '../../support/wait.ts';

/** Each has a server of its own, and most of its time it waits. */
t.jobs = 4;

/** Nobody is asked for an acknowledgement in the time of a test. */
const NEVER_ASKED = { resume: { ackIntervalSeconds: 60, checkpointSeconds: 60 } };

async function join(t: Test, target: StartedFanfare, path: string, channel: string, { autoPong = true } = {}) {
  const client = await RawClient.connect(t, target, { path, autoPong });
  await client.subscribe(channel, JSON.stringify({ user_id: 'u1' }));
  const resumed = decoded(await client.next(on(channel, 'fanfare:resumed')));
  return { client, resumed };
}

async function setUp(t: Test) {
  const target = await startFanfare(t, NEVER_ASKED);
  const path = `/resume/${randomUUID()}/app/${target.key}?protocol=7`;
  const channel = unique('presence-');
  return { target, api: new SignedApi(target), path, channel };
}

t.test('a client that is closed is asked first: nothing that it has received comes again', async (t) => {
  const { target, api, path, channel } = await setUp(t);
  const { client } = await join(t, target, path, channel);
  for (const number of ['1', '2', '3']) await api.trigger(channel, 'news', number);
  await api.post('/users/u1/terminate_connections', {});
  t.equal((await within(client.closed, 'the close')).code, 4009);
  t.same(
    client.frames.filter(on(channel, 'news')).map(({ data }) => data),
    ['1', '2', '3'],
  );
  await api.trigger(channel, 'news', '4');
  const { client: again, resumed } = await join(t, target, path, channel);
  t.same(resumed, { recovered: true, events: 1 });
  t.equal((await again.next(on(channel, 'news'))).data, '4');
});

t.test('one that does not answer is closed all the same, and gets again what it did not acknowledge', async (t) => {
  const { target, api, path, channel } = await setUp(t);
  const { client } = await join(t, target, path, channel, { autoPong: false });
  for (const number of ['1', '2', '3']) await api.trigger(channel, 'news', number);
  await api.post('/users/u1/terminate_connections', {});
  // It is told nothing more, and nothing that it asks for begins.
  await api.trigger(channel, 'news', '4');
  client.send({ event: 'pusher:subscribe', data: { channel: 'other' } });
  t.equal((await within(client.closed, 'the close')).code, 4009);
  t.equal(client.frames.filter(on(channel, 'news')).length, 3);
  t.equal(client.frames.filter(({ channel }) => channel === 'other').length, 0);
  t.same((await join(t, target, path, channel)).resumed, { recovered: true, events: 4 });
});

t.test('events that come in one burst with the end are not repeated either', async (t) => {
  const { target, api, path, channel } = await setUp(t);
  const { client } = await join(t, target, path, channel);
  const burst = Array.from({ length: 30 }, (_, index) => api.trigger(channel, 'news', String(index)));
  await burst[15];
  await Promise.all([...burst, api.post('/users/u1/terminate_connections', {})]);
  await within(client.closed, 'the close');
  const { client: again, resumed } = await join(t, target, path, channel);
  await again.fence();
  const seen = [client, again].flatMap(({ frames }) => frames.filter(on(channel, 'news')).map(({ data }) => data));
  t.equal(seen.length, 30);
  t.equal(new Set(seen).size, 30);
  t.match(resumed, { recovered: true });
});
