import type { PresenceChannel } from 'pusher-js';
import t, { type Test } from 'tap';
import { unique } from '../support/names.ts';
import { connectPusher, emitted } from '../support/pusher-client.ts';
import { startRedis } from '../support/redis-server.ts';
import { LEASE_SECONDS, startReplicas } from '../support/replicas/replica.ts';
import { SignedApi } from '../support/signed-api.ts';
import type { Target } from '../support/target.ts';
import { until } from '../support/wait.ts';

async function member(t: Test, target: Target, channel: string, id: string) {
  const pusher = await connectPusher(t, target, {}, { id });
  const subscription = pusher.subscribe(channel) as PresenceChannel;
  const told: string[] = [];
  subscription.bind('pusher:member_added', (one: { id: string }) => told.push(`+${one.id}`));
  subscription.bind('pusher:member_removed', (one: { id: string }) => told.push(`-${one.id}`));
  const events: unknown[] = [];
  subscription.bind('event', (data: unknown) => events.push(data));
  await emitted(subscription, 'pusher:subscription_succeeded');
  return { pusher, subscription, told, events };
}

t.setTimeout(120_000);

await t.test('two replicas over one Redis', { timeout: 90_000 }, async (t) => {
  const whole = t;
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const [first, second] = await startReplicas(t, redis.url, 2);
  if (first === undefined || second === undefined) throw new Error('a replica is missing');
  const channel = unique('presence-');
  const api = new SignedApi(first.target);
  const ann = await member(t, first.target, channel, 'ann');
  const bob = await member(t, second.target, channel, 'bob');
  await until(() => ann.told.join() === '+bob', 'ann knows of bob');

  await t.test('Redis goes: connections stay, triggers are told to come back', async (t) => {
    await redis.kill();
    await until(async () => !(await first.isReady()) && !(await second.isReady()), 'no replica is ready');
    const before = performance.now();
    const answer = await api.post('/events', { name: 'event', data: '"lost"', channels: [channel] });
    t.equal(answer.status, 503);
    t.match(answer.headers['retry-after'], /^\d+$/);
    t.ok(performance.now() - before < 2000, 'answered soon');
    t.equal((await api.get('/channels')).status, 503);
    // A subscription waits rather than fails.
    const carl = member(whole, second.target, channel, 'carl');
    t.same(
      [ann, bob].map(({ pusher }) => pusher.connection.state),
      ['connected', 'connected'],
    );
    await redis.start();
    await until(async () => (await first.isReady()) && (await second.isReady()), 'both are ready again');
    const { subscription } = await carl;
    await until(() => subscription.members.count === 3, 'carl knows of all');
    await api.trigger(channel, 'event', '"back"');
    await until(() => ann.events.length === 1 && bob.events.length === 1, 'events arrive again');
    t.same([ann.events, bob.events], [['back'], ['back']]);
    t.same([ann.told, bob.told], [['+bob', '+carl'], ['+carl']], 'nobody was told anything else');
    t.same(
      [ann, bob].map(({ pusher }) => pusher.connection.state),
      ['connected', 'connected'],
    );
  });

  await t.test('a replica is paused past its lease, and continued', async (t) => {
    second.signal('SIGSTOP');
    await until(() => ann.subscription.members.count === 1, 'its members are taken for gone');
    second.signal('SIGCONT');
    await until(() => ann.subscription.members.count === 3, 'they are back');
    t.same(ann.told.slice(-4).sort(), ['+bob', '+carl', '-bob', '-carl']);
    await until(() => bob.subscription.members.count === 3, 'who was paused knows of all');
  });

  await t.test('a replica is killed', async (t) => {
    ann.told.length = 0;
    const killedAt = performance.now();
    await second.kill();
    await until(() => ann.subscription.members.count === 1, 'its members are gone');
    t.ok(performance.now() - killedAt < 2 * LEASE_SECONDS * 1000 + 500);
    t.same(ann.told.sort(), ['-bob', '-carl']);
    t.same((await api.get(`/channels/${channel}/users`)).json, { users: [{ id: 'ann' }] });
    await api.trigger(channel, 'event', '"alone"');
    await until(() => ann.events.includes('alone'), 'the other goes on');
  });
});
