import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { createExposition } from '../../src/admin/exposition.ts';
import { memoryState } from '../../src/broker/memory/index.ts';
import { BrokerUnavailable } from '../../src/core/contracts/broker.ts';
import { createMetrics } from '../../src/core/contracts/metrics.ts';
import { RETENTION } from '../support/contract-cluster.ts';
import { unique } from '../support/names.ts';
import { on, RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { APP, AUTH, type StartedFanfare, startFanfare } from '../support/target.ts';
import { until } from '../support/wait.ts';

/** What a scrape says: `fanfare_connections{transport="websocket"}` to its number. */
type Scrape = ReadonlyMap<string, number>;

async function scrape(target: StartedFanfare): Promise<Scrape> {
  const response = await fetch(`${target.adminOrigin}/metrics`);
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

function starting(t: Test, settings = {}): Promise<StartedFanfare> {
  return startFanfare(t, { admin: { port: 0 }, ...settings });
}

t.test('a known run, and what the metrics say of it', async (t) => {
  const target = await starting(t);
  const api = new SignedApi(target);
  const room = unique('room');
  const other = unique('private-other-');
  const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(t, target)));
  const [first, second, third] = clients;
  if (first === undefined || second === undefined || third === undefined) throw new Error('five clients');
  for (const client of clients) await client.subscribe(room);
  await first.subscribe(other);
  await second.subscribe(other);
  t.match(await third.subscribe(other, undefined, 'bad:auth'), { event: 'pusher:subscription_error' });

  const events = 7;
  for (let number = 0; number < events; number += 1) {
    await api.post('/events', { name: 'numbered', channel: room, data: `${number}` });
  }
  await api.post('/events', { name: 'nobody', channels: [unique('empty'), unique('empty')], data: '{}' });
  t.equal((await api.post('/events', { name: 'bad', channel: 'not a name', data: '{}' })).status, 400);
  first.send({ event: 'client-hello', channel: other, data: {} });
  await second.next(on(other, 'client-hello'));
  for (const client of clients) {
    await until(() => client.frames.filter(on(room, 'numbered')).length === events, 'all events have come');
  }

  const known = await scrape(target);
  const sent = clients.reduce((sum, { frames }) => sum + frames.length, 0);
  const bytes = clients.reduce((sum, { frames }) => sum + frames.reduce((all, { raw }) => all + raw.length, 0), 0);
  const expected = {
    'fanfare_connections{transport="websocket"}': 5,
    'fanfare_app_connections{app="app-id"}': 5,
    'fanfare_connections_opened_total{transport="websocket"}': 5,
    fanfare_subscriptions: 7,
    fanfare_subscriptions_opened_total: 7,
    'fanfare_subscriptions_refused_total{type="AuthError"}': 1,
    'fanfare_channels{kind="public"}': 1,
    'fanfare_channels{kind="private"}': 1,
    fanfare_frames_received_total: 9,
    fanfare_frames_sent_total: sent,
    fanfare_bytes_sent_total: bytes,
    fanfare_triggers_total: events + 2,
    fanfare_client_events_total: 1,
    'fanfare_api_answers_total{status="200"}': events + 1,
    'fanfare_api_answers_total{status="400"}': 1,
    fanfare_shared_state_up: 1,
    fanfare_slow_readers_total: 0,
  };
  for (const [name, value] of Object.entries(expected)) t.equal(known.get(name), value, name);
  t.ok((known.get('fanfare_delivery_latency_seconds_count') ?? 0) >= 1, 'some of the events were timed');
  t.equal(
    known.get('fanfare_delivery_latency_seconds_bucket{le="+Inf"}'),
    known.get('fanfare_delivery_latency_seconds_count'),
  );
  t.ok((known.get('fanfare_shared_state_seconds') ?? Number.NaN) < 1);
  t.ok(known.has('nodejs_eventloop_lag_p99_seconds'));

  first.socket.close();
  await once(first.socket, 'close');
  await until(async () => (await scrape(target)).get('fanfare_subscriptions') === 5, 'its subscriptions are gone');
  const after = await scrape(target);
  t.equal(after.get('fanfare_connections{transport="websocket"}'), 4);
  t.equal(after.get('fanfare_channels{kind="private"}'), 1);
});

t.test('refusals and bounds', async (t) => {
  const target = await starting(t, { connections: { max: 1 }, auth: AUTH });
  const client = await RawClient.connect(t, target);
  const refused = await RawClient.open(t, target).closed;
  t.equal(refused.code, 4100);
  const body = new URLSearchParams({ socket_id: client.socketId, channel_name: 'private-domain.7' });
  t.equal((await fetch(`${target.origin}/broadcasting/auth`, { method: 'POST', body })).status, 403);
  const known = await scrape(target);
  t.equal(known.get('fanfare_connections_refused_total{code="4100"}'), 1);
  t.equal(known.get('fanfare_bound_refused_total{bound="connections"}'), 1);
  t.equal(known.get('fanfare_bound_held{bound="connections"}'), 1);
  t.equal(known.get('fanfare_bound_limit{bound="connections"}'), 1);
  t.equal(known.get('fanfare_authorizations_total{outcome="token_missing"}'), 1);
});

t.test('the outbox, and what it says without an answer', async (t) => {
  const endpoint = createServer((_request, response) => response.writeHead(503).end()).listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  t.teardown(() => {
    endpoint.closeAllConnections();
    endpoint.close();
  });
  const { port } = endpoint.address() as AddressInfo;
  const webhooks = [{ url: `http://127.0.0.1:${port}/` }];
  const target = await starting(t, { apps: [{ ...APP, webhooks }], webhooks: { allowPrivateNetworks: true } });
  t.equal((await scrape(target)).get('fanfare_outbox_facts'), 0);
  const client = await RawClient.connect(t, target);
  await client.subscribe(unique('room'));
  const known = await scrape(target);
  t.equal(known.get('fanfare_outbox_facts'), 1, 'the endpoint does not take it');
  await delay(20);
  const later = (await scrape(target)).get('fanfare_outbox_oldest_seconds') ?? 0;
  t.ok(later > (known.get('fanfare_outbox_oldest_seconds') ?? Number.NaN) && later < 60, `${later} s`);

  let asked = 0;
  const { broker, outbox } = memoryState(
    () => RETENTION,
    pino({ level: 'silent' }),
    () => true,
  );
  outbox.backlog = () => {
    asked += 1;
    return Promise.reject(new BrokerUnavailable('away'));
  };
  const text = await createExposition({ metrics: createMetrics(), broker, outbox, version: '1' }).metrics();
  t.match(text, /^fanfare_outbox_facts Nan$/m);
  t.match(text, /^fanfare_outbox_oldest_seconds Nan$/m);
  t.equal(asked, 1, 'one question for both');
});

t.test('health, readiness, and what is not there', async (t) => {
  const target = await starting(t);
  const health = await fetch(`${target.adminOrigin}/health`);
  t.match(await health.json(), { status: 'ok', version: /^\d+\.\d+\.\d+/, uptimeSeconds: Number });
  t.equal((await fetch(`${target.adminOrigin}/ready`)).status, 200);
  t.equal((await fetch(`${target.adminOrigin}/nothing`)).status, 404);
});
