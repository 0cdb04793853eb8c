import t from 'tap';
import { unique } from '../support/names.ts';
import { RawClient } from '../support/raw-client.ts';
import { startRedis } from '../support/redis-server.ts';
import { SignedApi } from '../support/signed-api.ts';
import { type StartedFanfare, startFanfare } from '../support/target.ts';
import { until } from '../support/wait.ts';

interface Overview {
  readonly nodes: readonly { readonly id: string; readonly ready: boolean }[];
}

async function ask<T>(node: StartedFanfare, path: string, body?: object): Promise<T> {
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(node.adminOrigin + path, body === undefined ? {} : init);
  return (await response.json()) as T;
}

t.test('any node of a cluster tells of all of them', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const settings = { admin: { port: 0 }, redis: { url: redis.url } };
  const [here, there] = await Promise.all([startFanfare(t, settings), startFanfare(t, settings)]);
  await until(async () => (await ask<Overview>(here, '/api/overview')).nodes.length === 2, 'the nodes know each other');

  const channel = unique('room');
  const client = await RawClient.connect(t, there);
  await client.subscribe(channel);
  const found = await ask<{ total: number }>(here, `/api/connections?search=${client.socketId}`);
  t.equal(found.total, 1, 'a connection of the other node');
  const story = await ask<{ joined: readonly { channel: string }[] }>(
    here,
    `/api/connection?socketId=${client.socketId}`,
  );
  t.strictSame(
    story.joined.map((joined) => joined.channel),
    [channel],
  );

  // Its subscriber is there, and so is what delivers; who tails is here.
  const tail = await fetch(`${here.adminOrigin}/api/tail?channel=${channel}`);
  const reader = tail.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const reading = (async () => {
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) text += part.value;
  })();
  const api = new SignedApi(there);
  await until(async () => {
    await api.post('/events', { name: 'told', channel, data: '{}' });
    return text.includes('"stage":"delivered"');
  }, 'the tail here tells of a delivery there');
  t.match(text, /"event":"told".*"receivers":1/);
  await reader?.cancel();
  await reading;

  t.strictSame(await ask(here, '/api/disconnect', { socketId: client.socketId }), { closed: true });
  t.equal((await client.closed).code, 4009);
  await there.stop();
  await until(
    async () => (await ask<Overview>(here, '/api/overview')).nodes.length === 1,
    'the other says that it goes',
  );
});
