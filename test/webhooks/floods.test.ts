import t, { type Test } from 'tap';
import { MemoryGivenUp } from '../../src/broker/memory/memory-given-up.ts';
import { MemoryOutbox } from '../../src/broker/memory/memory-outbox.ts';
import { ConfiguredApps } from '../../src/core/contracts/app.ts';
import { createMetrics } from '../../src/core/contracts/metrics.ts';
import type { FactKind, NewFact } from '../../src/core/contracts/outbox.ts';
import { type WebhookSettings, Webhooks, wantsFact } from '../../src/webhooks/index.ts';
import { recordingLogger } from '../support/fakes.ts';
import { app as testApp } from '../support/unit-app.ts';
import { until } from '../support/wait.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const FLOODED = { id: 'flooded', key: 'flooded-key', secret: 'flooded-secret' };
const OTHER = { id: 'other', key: 'other-key', secret: 'other-secret' };

/** An app that strangers flood, each of its endpoints with channels of its own, and another one that is well. */
async function start(t: Test, endpoints: number, changes: Partial<WebhookSettings> = {}) {
  const receivers = await Promise.all(Array.from({ length: endpoints }, () => WebhookReceiver.start(t, FLOODED)));
  const other = await WebhookReceiver.start(t, OTHER);
  const apps = new ConfiguredApps([
    testApp({ ...FLOODED, webhooks: receivers.map(({ url }, index) => ({ url, channels: `c${index}-*` })) }),
    testApp({ ...OTHER, webhooks: [{ url: other.url }] }),
  ]);
  const { logger, lines } = recordingLogger();
  const metrics = createMetrics();
  const outbox = new MemoryOutbox(wantsFact(apps), logger, { metrics });
  const settings = { allowPrivateNetworks: true, timeoutSeconds: 3, retrySeconds: 30, graceSeconds: 0.2, ...changes };
  const givenUp = new MemoryGivenUp();
  const hooks = new Webhooks({ apps, outbox, givenUp, settings: () => settings, metrics, logger });
  hooks.start();
  t.teardown(() => hooks.stop());
  const tell = (appId: string, kind: FactKind, channel: string, more: Partial<NewFact> = {}) =>
    outbox.tell({ kind, appId, channel, userId: undefined, ...more });
  return { apps, outbox, givenUp, receivers, other, lines, metrics, tell };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

t.test('goings that are kept back, as many as a node takes, keep no other app from being told', async (t) => {
  const { receivers, other, tell } = await start(t, 1, { graceSeconds: 5 });
  // As many as the outbox keeps are in hand before it drops any.
  for (let index = 0; index < 21_000; index += 1) {
    tell('flooded', 'channel_vacated', `c0-${index}`);
    if (index % 500 === 0) await turn();
  }
  tell('other', 'channel_occupied', 'c');
  await until(() => other.said().includes('channel_occupied c'), 'the other app is told');
  await until(() => (receivers[0]?.events().length ?? 0) > 0, 'and the one that is flooded');
});

t.test('what waits for an endpoint is bounded in bytes, and the oldest are given up', async (t) => {
  const { receivers, outbox, givenUp, metrics, tell } = await start(t, 1);
  for (const receiver of receivers) receiver.down = 'hang';
  const detail = JSON.stringify({ event: 'client-x', data: 'x'.repeat(100_000) });
  for (let index = 0; index < 200; index += 1) {
    tell('flooded', 'client_event', 'c0-c', { detail });
    await turn();
  }
  await until(() => metrics.refused.get('webhook-events') > 0, 'some are given up');
  await until(async () => (await givenUp.list('flooded')).length > 0, 'and kept');
  const [first] = await givenUp.list('flooded');
  t.match(first?.reason, /^more than 8 MB of events wait for the endpoint$/);
  t.ok((await outbox.backlog()).facts < 100, 'those are done with');
  for (const receiver of receivers) receiver.down = undefined;
});

t.test('endpoints that take nothing leave those of other apps room', async (t) => {
  const { receivers, other, tell } = await start(t, 6, { timeoutSeconds: 8 });
  for (const receiver of receivers) receiver.down = 'hang';
  for (let index = 0; index < 36_000; index += 1) {
    tell('flooded', 'channel_occupied', `c${index % 6}-${index}`);
    if (index % 500 === 0) await turn();
  }
  for (let index = 0; index < 40; index += 1) tell('other', 'channel_occupied', `c${index}`);
  await until(() => other.events().length === 40, 'the other app is told of all');
  for (const receiver of receivers) receiver.down = undefined;
});

t.test('an endpoint that has been taken out of the configuration is told nothing more', async (t) => {
  const { apps, receivers, givenUp, tell } = await start(t, 1);
  const [receiver] = receivers;
  if (receiver === undefined) throw new Error('a receiver is missing');
  receiver.answers.push(500);
  tell('flooded', 'channel_occupied', 'c0-c');
  await until(() => receiver.requests === 1, 'the first attempt');
  apps.replace([testApp({ ...FLOODED, webhooks: [{ url: `${receiver.url}-new` }] })]);
  await until(async () => (await givenUp.list('flooded')).length === 1, 'it is given up, and kept', 10_000);
  const [note] = await givenUp.list('flooded');
  t.equal(note?.reason, `the app has no webhook to ${receiver.url} any more`);
  t.equal(receiver.requests, 1);
});
