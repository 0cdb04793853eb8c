import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { configSchema } from '../../src/config/schema.ts';
import { connectPusher, emitted } from '../support/pusher-client.ts';
import { openDeployment } from '../support/scenarios/deployment.ts';
import { NginxFolder } from '../support/scenarios/nginx.ts';
import { SignedApi, send } from '../support/signed-api.ts';
import { until } from '../support/wait.ts';

t.test('a node that is stopped: its clients come back on the other, and no request fails', async (t) => {
  const deployment = await openDeployment(t);
  const { target } = deployment;
  const [first] = deployment.nodes;
  if (first === undefined) throw new Error('a deployment has a node');

  const clients = await Promise.all(Array.from({ length: 12 }, () => connectPusher(t, target)));
  const reconnected = clients.map(() => 0);
  for (const [index, client] of clients.entries()) {
    client.connection.bind('connected', () => {
      reconnected[index] = (reconnected[index] ?? 0) + 1;
    });
  }
  const api = new SignedApi(target);
  const statuses: number[] = [];
  let posting = true;
  const backends = Array.from({ length: 8 }, async () => {
    while (posting) statuses.push((await api.post('/events', { name: 'e', channels: ['c'], data: '{}' })).status);
  });
  const code = await first.stop();
  t.equal(code, 0, 'a clean exit');
  const states = () => clients.map(({ connection }) => connection.state);
  t.teardown(() => t.comment(`states of the clients: ${states()}`));
  await until(() => states().every((state) => state === 'connected'), 'every client is connected');
  t.ok(
    reconnected.some((times) => times === 1),
    'some were on the node that stopped, and came back',
  );
  t.ok(
    reconnected.every((times) => times <= 1),
    'at the first attempt',
  );
  const arrivals = clients.map(async (client) => {
    const channel = client.subscribe('after');
    await emitted(channel, 'pusher:subscription_succeeded');
    return await emitted(channel, 'still-here');
  });
  await until(async () => {
    const { json } = await api.get('/channels/after', { info: 'subscription_count' });
    return (json as { subscription_count?: number }).subscription_count === clients.length;
  }, 'every client is subscribed again');
  await api.trigger('after', 'still-here', '{}');
  t.equal((await Promise.all(arrivals)).length, clients.length);
  posting = false;
  await Promise.all(backends);
  t.ok(statuses.length > 100, `${statuses.length} events were posted meanwhile`);
  t.strictSame(
    statuses.filter((status) => status !== 200),
    [],
    'nginx took the other node without a backend noticing',
  );
});

t.test('under a path of another site', async (t) => {
  const prefix = '/realtime';
  const deployment = await openDeployment(t, {
    env: { FANFARE_PATH_PREFIX: prefix },
    locations: 'fanfare-prefix-locations.conf',
  });
  const { target } = deployment;
  const pusher = await connectPusher(t, target, { wsPath: prefix });
  const channel = pusher.subscribe('news');
  await emitted(channel, 'pusher:subscription_succeeded');
  const arrival = emitted(channel, 'headline');
  const path = `${prefix}/apps/${target.appId}/events`;
  const body = JSON.stringify({ name: 'headline', channels: ['news'], data: '{"n":1}' });
  const answer = await new SignedApi(target).request({ method: 'POST', path, body });
  t.equal(answer.status, 200, answer.text);
  t.strictSame(await arrival, { n: 1 });
  t.equal((await send(target.origin, 'POST', `${prefix}/broadcasting/auth`, {}, '')).status, 400);
  t.equal((await send(target.origin, 'GET', '/app/x')).status, 404, 'the rest of the site is not Fanfare');
});

t.test('the timeouts of nginx are longer than the silence that nodes allow', async (t) => {
  const config = configSchema.parse({ apps: [{ id: 'i', key: 'k', secret: 's' }], auth: { enabled: false } });
  const { pingIntervalSeconds, pongTimeoutSeconds } = config.connections;
  const folder = await NginxFolder.create(t);
  for (const file of ['fanfare-locations.conf', 'fanfare-prefix-locations.conf']) {
    const text = readFileSync(join(folder.path, file), 'utf8');
    const [first] = text.match(/proxy_read_timeout (\d+)s/) ?? [];
    const seconds = Number(/\d+/.exec(first ?? '')?.[0]);
    t.ok(seconds > 2 * (pingIntervalSeconds + pongTimeoutSeconds), `${file}: ${seconds} s`);
  }
});
