import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { MemoryGivenUp } from '../../src/broker/memory/memory-given-up.ts';
import { MemoryOutbox } from '../../src/broker/memory/memory-outbox.ts';
import { ConfiguredApps } from '../../src/core/contracts/app.ts';
import { createMetrics } from '../../src/core/contracts/metrics.ts';
import { type WebhookSettings, Webhooks, wantsFact } from '../../src/webhooks/index.ts';
import { app as testApp } from '../support/unit-app.ts';
import { until } from '../support/wait.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

type Input = Parameters<typeof testApp>[0];
type WebhookInput = NonNullable<NonNullable<Input>['webhooks']>[number];

const CREDENTIALS = { id: 'shop', key: 'shop-key', secret: 'shop-secret' };

interface LogLine {
  readonly level: 'warn' | 'error';
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Webhooks of an app with a receiver for each of the endpoints that are given. */
async function start(
  t: Test,
  endpoints: readonly Omit<WebhookInput, 'url'>[] = [{}],
  changes: Partial<WebhookSettings> = {},
) {
  const receivers = await Promise.all(endpoints.map(() => WebhookReceiver.start(t, CREDENTIALS)));
  const webhooks = endpoints.map((endpoint, index) => ({ ...endpoint, url: receivers[index]?.url ?? '' }));
  const apps = new ConfiguredApps([testApp({ ...CREDENTIALS, webhooks })]);
  const lines: LogLine[] = [];
  const log = (level: LogLine['level']) => (fields: object, message: string) =>
    lines.push({ level, message, ...fields });
  const ignore = () => undefined;
  const logger = { debug: ignore, info: ignore, warn: log('warn'), error: log('error') };
  const outbox = new MemoryOutbox(wantsFact(apps), logger);
  const settings = { allowPrivateNetworks: true, timeoutSeconds: 3, retrySeconds: 30, graceSeconds: 0.2, ...changes };
  const metrics = createMetrics();
  const hooks = new Webhooks({ apps, outbox, givenUp: new MemoryGivenUp(), settings: () => settings, metrics, logger });
  hooks.start();
  t.teardown(() => hooks.stop());
  const [receiver] = receivers;
  if (receiver === undefined) throw new Error('a receiver is missing');
  const tell = (kind: 'channel_occupied' | 'channel_vacated', channel: string) =>
    outbox.tell({ kind, appId: 'shop', channel, userId: undefined });
  const tellOf = (kind: 'member_added' | 'member_removed', userId: string, channel = 'presence-c') =>
    outbox.tell({ kind, appId: 'shop', channel, userId });
  return { apps, outbox, hooks, metrics, lines, receiver, receivers, tell, tellOf };
}

t.test('events are signed, and the official library takes them', async (t) => {
  const { outbox, receiver, metrics, tell, tellOf } = await start(t);
  const before = Date.now();
  tell('channel_occupied', 'presence-c');
  tellOf('member_added', 'ü "7"');
  const detail = JSON.stringify({ event: 'client-typing', data: '{"a":"漢"}', socket_id: '1.2' });
  outbox.tell({ kind: 'client_event', appId: 'shop', channel: 'private-c', userId: undefined, detail });
  await until(() => receiver.events().length === 3, 'all have arrived');
  const [occupied, added, sent] = receiver.events();
  t.match(occupied, { name: 'channel_occupied', channel: 'presence-c', id: /./ });
  t.match(added, { name: 'member_added', channel: 'presence-c', user_id: 'ü "7"' });
  t.match(sent, { name: 'client_event', channel: 'private-c', ...(JSON.parse(detail) as object) });
  const [receipt] = receiver.receipts;
  t.ok(receipt !== undefined && receipt.timeMs >= before && receipt.timeMs <= Date.now());
  t.same(receiver.complaints, []);
  await until(() => metrics.webhooks.get('delivered') === receiver.requests, 'they are counted');
});

t.test('events that come together go together, twenty at most', async (t) => {
  const { receiver, tell } = await start(t);
  for (let index = 0; index < 50; index += 1) tell('channel_occupied', `c${index}`);
  await until(() => receiver.events().length === 50, 'all have arrived');
  t.equal(receiver.requests, 3);
  t.ok(receiver.receipts.every(({ events }) => events.length <= 20));
});

t.test('an endpoint is told of what it asks for', async (t) => {
  const filters = [
    { events: ['channel_vacated' as const] },
    { channels: 'private-*' },
    { channels: '*-audit' },
    { channels: 'c' },
  ];
  const { receivers, tell } = await start(t, filters, { graceSeconds: 0.05 });
  for (const channel of ['c', 'c2', 'private-c', 'private-audit', '#server-to-user-7']) {
    tell('channel_occupied', channel);
    await pause(5);
  }
  await until(() => receivers.slice(1).every(({ receipts }) => receipts.length > 0), 'they are told');
  tell('channel_vacated', 'c');
  await until(() => receivers[0]?.receipts.length === 1 && receivers[3]?.events().length === 2, 'and of the going');
  t.same(
    receivers.map((receiver) => receiver.said().sort()),
    [
      ['channel_vacated c'],
      ['channel_occupied private-audit', 'channel_occupied private-c'],
      ['channel_occupied private-audit'],
      ['channel_occupied c', 'channel_vacated c'],
    ],
  );
});

t.test('a quick return cancels the going, and what returns late is told', async (t) => {
  const { receiver, tell, tellOf } = await start(t, [{}], { graceSeconds: 0.8 });
  tell('channel_occupied', 'presence-c');
  for (const user of ['quick', 'late']) tellOf('member_added', user);
  for (let round = 0; round < 3; round += 1) {
    tellOf('member_removed', 'quick');
    tell('channel_vacated', 'presence-c');
    await pause(50);
    tell('channel_occupied', 'presence-c');
    tellOf('member_added', 'quick');
  }
  tellOf('member_removed', 'late');
  await until(() => receiver.said().includes('member_removed presence-c late'), 'the going is told');
  tellOf('member_added', 'late');
  await until(() => receiver.events().length >= 5, 'and the return');
  await pause(900);
  t.same(receiver.said(), [
    'channel_occupied presence-c',
    'member_added presence-c quick',
    'member_added presence-c late',
    'member_removed presence-c late',
    'member_added presence-c late',
  ]);
});

t.test('what fails is sent again until it is taken: errors, redirects, silence', async (t) => {
  const { receiver, lines, metrics, tell } = await start(t, [{}], { timeoutSeconds: 1 });
  receiver.answers.push(500, 302, 'hang');
  tell('channel_occupied', 'c');
  await until(() => receiver.events().length === 1, 'it is taken', 20_000);
  t.equal(receiver.requests, 4, 'a redirect is not followed');
  t.same(
    lines.map(({ reason }) => reason),
    ['the endpoint answered 500', 'the endpoint answered 302', 'no answer in 1 s'],
  );
  t.notMatch(JSON.stringify(lines), /shop-secret/);
  t.equal(metrics.webhooks.get('retried'), 3);
});

t.test('while an endpoint is down the others are told, and it has all when it is back', async (t) => {
  const { receivers, tell } = await start(t, [{}, {}]);
  const [down, up] = receivers;
  if (down === undefined || up === undefined) throw new Error('receivers are missing');
  down.down = 503;
  for (let index = 0; index < 30; index += 1) tell('channel_occupied', `c${index}`);
  await until(() => up.events().length === 30, 'the other is told');
  t.equal(down.events().length, 0);
  down.down = undefined;
  await until(() => down.events().length === 30, 'it has all', 10_000);
  t.equal(new Set(down.events().map(({ id }) => id)).size, 30, 'once');
});

t.test('what cannot be sent in time is given up, counted and logged with its ids', async (t) => {
  const { receiver, lines, metrics, tell } = await start(t, [{}], { retrySeconds: 1.2 });
  receiver.down = 500;
  tell('channel_occupied', 'c');
  await until(() => metrics.webhooks.get('given_up') === 1, 'it is given up', 10_000);
  const line = lines.find(({ level }) => level === 'error');
  t.match(line, {
    message: 'a webhook has been given up',
    appId: 'shop',
    url: receiver.url,
    events: 1,
    batch: /^\w{12}$/,
  });
  t.ok(Array.isArray(line?.ids) && line.ids.length === 1);
  receiver.down = undefined;
  tell('channel_occupied', 'd');
  await until(() => receiver.events().length === 1, 'later ones are told');
  t.same(receiver.said(), ['channel_occupied d']);
});

t.test('beyond what may wait for an endpoint the oldest are given up, and kept', async (t) => {
  const { apps, hooks, receiver, metrics, tell } = await start(t);
  receiver.down = 'hang';
  for (let index = 0; index < 5200; index += 1) tell('channel_occupied', `c${index}`);
  const [app] = apps.all();
  if (app === undefined) throw new Error('there is no app');
  await until(() => metrics.refused.get('webhook-events') > 0, 'some are given up');
  const list = () => hooks.givenUp.list(app);
  await until(async () => (await list()).length >= 6, 'they are kept');
  const [first] = await list();
  t.match(first, { reason: 'more than 5000 events wait for the endpoint', url: receiver.url });
  // Eighty are under way in four batches.
  t.same(
    first?.events.map(({ channel }) => channel),
    Array.from({ length: 20 }, (_, index) => `c${80 + index}`),
  );
  receiver.down = undefined;
});

t.test('private networks are only entered if that is configured', async (t) => {
  const { receiver, lines, metrics, tell } = await start(t, [{}], { allowPrivateNetworks: false, retrySeconds: 0 });
  tell('channel_occupied', 'c');
  await until(() => metrics.webhooks.get('given_up') === 1, 'it is given up');
  t.match(lines[0]?.reason, /private network: see webhooks\.allowPrivateNetworks/);
  t.equal(receiver.requests, 0);
});

t.test('a stop tells what waits, what is kept back too, and does not wait for an endpoint that is down', async (t) => {
  const { hooks, receivers, lines, tell } = await start(t, [{}, {}], { graceSeconds: 30, timeoutSeconds: 1 });
  const [up, down] = receivers;
  if (up === undefined || down === undefined) throw new Error('receivers are missing');
  down.down = 'hang';
  tell('channel_occupied', 'a');
  tell('channel_vacated', 'b');
  const begun = performance.now();
  await hooks.stop();
  t.ok(performance.now() - begun < 10_000, 'nothing is tried for longer');
  t.same(up.said().sort(), ['channel_occupied a', 'channel_vacated b']);
  t.ok(lines.some(({ reason }) => /and the server stops/.test(String(reason))));
});

t.test('apps may change while events wait', async (t) => {
  const { apps, receiver, lines, tell } = await start(t);
  receiver.answers.push(500);
  tell('channel_occupied', 'c');
  await until(() => receiver.requests === 1, 'the first attempt');
  apps.replace([]);
  await until(() => lines.some(({ reason }) => reason === 'the app has gone'), 'it is given up', 10_000);
  t.equal(receiver.requests, 1);
});
