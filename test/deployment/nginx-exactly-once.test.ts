import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { connectPusher } from '../support/pusher-client.ts';
import { Listener } from '../support/resume.ts';
import { openDeployment } from '../support/scenarios/deployment.ts';
import { SignedApi } from '../support/signed-api.ts';
import { until } from '../support/wait.ts';

/** With more clients it is a long run by hand, of nginx as it is shipped. */
const { ROLLING_UPDATE_CLIENTS } = process.env;
const CLIENTS = Number(ROLLING_UPDATE_CLIENTS ?? 16);
const GRACE_SECONDS = ROLLING_UPDATE_CLIENTS === undefined ? 1 : 5;
/** So long nginx sends nothing to a node that it could not reach: only then the next node may be stopped. */
const FAIL_SECONDS = ROLLING_UPDATE_CLIENTS === undefined ? 1 : 5;
const PAUSE_MS = 20;

t.test('a rolling update: stock clients alone, by their path, miss nothing and get nothing twice', async (t) => {
  const deployment = await openDeployment(t, {
    env: { FANFARE_SHUTDOWN_GRACE_SECONDS: String(GRACE_SECONDS) },
    edit: (nginx) => nginx.edit('fanfare-upstream.conf', [['fail_timeout=5s', `fail_timeout=${FAIL_SECONDS}s`]]),
  });
  const { target, nodes } = deployment;
  const channels = ['room-1', 'private-room-2', 'cache-room-3'];
  const listeners: Listener[] = [];
  let reconnects = 0;
  for (let index = 0; index < CLIENTS; index += 1) {
    const pusher = await connectPusher(t, target, { wsPath: `/resume/${randomUUID()}` });
    pusher.connection.bind('connected', () => {
      reconnects += 1;
    });
    listeners.push(new Listener(pusher, channels[index % channels.length] ?? ''));
  }
  for (const listener of listeners) await listener.isResumed(1);

  const api = new SignedApi(target);
  let published = 0;
  /** Not answered by 200: nobody knows whether it was published. */
  const inDoubt = new Set<unknown>();
  let isPublishing = true;
  const backend = (async () => {
    while (isPublishing) {
      published += 1;
      const { status } = await api.post('/events', { name: 'news', data: String(published), channels });
      if (status !== 200) inDoubt.add(published);
      await delay(PAUSE_MS);
    }
  })();
  for (const node of [...nodes]) {
    await deployment.replace(node);
    const sofar = published;
    await until(() => listeners.every(({ heard }) => heard.includes(sofar)), 'all are there again', 15_000);
    await delay(FAIL_SECONDS * 1000 + 500);
  }
  isPublishing = false;
  await backend;

  const expected = Array.from({ length: published }, (_, index) => index + 1).filter((event) => !inDoubt.has(event));
  const last = expected.at(-1);
  await until(() => listeners.every(({ heard }) => heard.includes(last)), 'the last event');
  await delay(500);
  let [missed, repeated] = [0, 0];
  for (const { heard } of listeners) {
    const certain = heard.filter((event) => !inDoubt.has(event));
    missed += expected.filter((event) => !certain.includes(event)).length;
    repeated += certain.length - new Set(certain).size;
    t.strictSame(
      certain,
      [...certain].sort((a, b) => Number(a) - Number(b)),
      'in order',
    );
  }
  t.comment(`${CLIENTS} clients, ${reconnects} reconnects, ${published} events, of them in doubt ${inDoubt.size}`);
  t.equal(missed, 0, 'missed');
  t.equal(repeated, 0, 'repeated');
  t.ok(reconnects >= CLIENTS, 'each client was on a node that stopped');
  t.ok(
    listeners.every(({ resumed }) => resumed.slice(1).every(({ recovered }) => recovered)),
    'and recovered each time',
  );
});
