import t, { type Test } from 'tap';
import { unique } from '../support/names.ts';
import { decoded, RawClient } from '../support/raw-client.ts';
import { startRedis } from '../support/redis-server.ts';
import { LEASE_SECONDS, startReplicas } from '../support/replicas/replica.ts';
import { SignedApi } from '../support/signed-api.ts';
import { APP, startFanfare, type Target } from '../support/target.ts';
import { until } from '../support/wait.ts';

const GRACE_SECONDS = 0.6;

// Most of it is waiting: for grace, leases and processes.
t.jobs = 2;
const settings = {
  apps: [{ ...APP, statusChannels: ['private-domain.{domains}'] }],
  userStatus: { graceSeconds: GRACE_SECONDS },
};
const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** What a member of the domain is told, with the watchlist of one user. */
async function observer(t: Test, target: Target, channel: string, user: string) {
  const client = await RawClient.connect(t, target);
  await client.signIn({ id: unique('observer'), watchlist: [user] });
  await client.subscribe(channel);
  return {
    told: () =>
      client.frames
        .filter(({ event }) => event === 'user.status.changed')
        .map((frame) => decoded(frame) as { userId: string; status: string; at: string }),
    watched: () => client.frames.filter(({ event }) => event === 'pusher_internal:watchlist_events').length,
  };
}

async function signedIn(t: Test, target: Target, id: string, channel: string): Promise<RawClient> {
  const client = await RawClient.connect(t, target);
  await client.signIn({ id, status_channels: [channel] });
  return client;
}

const statuses = (told: readonly { readonly status: string }[]) => told.map(({ status }) => status);

async function everyday(t: Test, targets: readonly [Target, Target, Target]): Promise<void> {
  const [one, two, three] = targets;
  const [user, channel] = [unique('ann'), `private-domain.${unique('d')}`];
  const api = new SignedApi(three);
  const read = async () => {
    const { json } = await api.post('/users/status', { user_ids: [user, 'nobody'] });
    return (json as { users: Record<string, object> }).users[user];
  };
  const seen = await observer(t, three, channel, user);
  t.same(await read(), { online: false });
  const first = await signedIn(t, one, user, channel);
  const second = await signedIn(t, two, user, channel);
  await until(() => seen.told().length === 1, 'the coming is told');
  t.match(seen.told()[0], { userId: user, status: 'online', at: /^\d{4}-.*Z$/ });
  await until(async () => (await read()) !== undefined, 'an answer');
  t.match(await read(), { online: true, since: seen.told()[0]?.at });
  await first.close();
  await pause(GRACE_SECONDS + 0.3);
  t.same(statuses(seen.told()), ['online'], 'another connection is left, on another node');
  let page = second;
  for (const target of targets) {
    // Connected before, so that even on a busy machine the user is gone for less than the grace.
    const next = await RawClient.connect(t, target);
    await page.close();
    await next.signIn({ id: user, status_channels: [channel] });
    page = next;
  }
  await pause(GRACE_SECONDS + 0.3);
  t.same(statuses(seen.told()), ['online'], 'reloads are not told');
  await page.close();
  await until(() => seen.told().length === 2, 'the going is told', 8000);
  t.same(statuses(seen.told()), ['online', 'offline']);
  t.match(await read(), { online: false, last_seen: seen.told()[1]?.at });
}

t.test('one node, without Redis', { buffered: true }, async (t) => {
  const target = await startFanfare(t, settings);
  await everyday(t, [target, target, target]);
  const api = new SignedApi(target);
  for (const body of ['', {}, { user_ids: [] }, { user_ids: 'x' }, { user_ids: [7] }]) {
    t.match(await api.post('/users/status', body), { status: 400, text: /\{"user_ids":\["42","7"\]\}/ });
  }
});

t.test('three nodes, one of which is killed: each change is told once', { buffered: true }, async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const shared = {
    ...settings,
    redis: { url: redis.url, leaseSeconds: LEASE_SECONDS, acceptTimeoutSeconds: 0.5, lingerSeconds: 0.5 },
  };
  // The one that is killed has a process of its own.
  const [[victim], one, three] = await Promise.all([
    startReplicas(t, redis.url, 1, settings),
    startFanfare(t, shared),
    startFanfare(t, shared),
  ]);
  if (victim === undefined) throw new Error('a replica is missing');
  const two = victim.target;
  await everyday(t, [one, two, three]);
  const [user, channel] = [unique('bob'), `private-domain.${unique('d')}`];
  const seen = await observer(t, three, channel, user);
  await signedIn(t, two, user, channel);
  await until(() => seen.told().length === 1, 'the coming is told');
  // The node that has the connection, and buckets of the outbox as well.
  await victim.kill();
  await until(() => seen.told().length === 2, 'the going is told', 15_000);
  const back = await signedIn(t, one, user, channel);
  await until(() => seen.told().length === 3, 'the return is told', 8000);
  await back.close();
  await until(() => seen.told().length === 4, 'the end is told', 8000);
  await pause(GRACE_SECONDS + 0.3);
  t.same(statuses(seen.told()), ['online', 'offline', 'online', 'offline']);
  t.ok(seen.watched() >= 4, 'the watchlist tells the same');
});
