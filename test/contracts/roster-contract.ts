import type { Test } from 'tap';
import type { Entered, Member } from '../../src/core/contracts/roster.ts';
import { topicOf, watchTopic } from '../../src/core/contracts/topic.ts';
import { collectGarbage } from '../support/collect-garbage.ts';
import { type ContractNode, hereAndThere, type StartCluster } from '../support/contract-cluster.ts';
import { unique } from '../support/names.ts';
import { RosterClient } from '../support/roster-client.ts';
import { until } from '../support/wait.ts';

let lastSocket = 0;

function socketId(): string {
  lastSocket += 1;
  return `77.${lastSocket}`;
}

/** Enters, and gives what the joiner was told. */
async function enter(node: ContractNode, topic: string, socket: string, member?: Member, maxMembers?: number) {
  let told: Entered | undefined;
  await node.broker.subscribe(topic);
  await node.roster.enter({ topic, socketId: socket, member, maxMembers }, (entered) => {
    told = entered;
  });
  if (told === undefined) throw new Error('enter resolved without admitting');
  return told;
}

async function entered(...args: Parameters<typeof enter>): Promise<Extract<Entered, { outcome: 'entered' }>> {
  const told = await enter(...args);
  if (told.outcome !== 'entered') throw new Error('the channel is full');
  return told;
}

/** What all rosters do, in what one caller sees. (core/contracts/roster.ts) */
export async function rosterContract(t: Test, startCluster: StartCluster): Promise<void> {
  const cluster = await startCluster();
  t.teardown(() => cluster.close());
  const { nodes } = cluster;
  const { here, there } = hereAndThere(cluster);

  await t.test('a channel counts the subscriptions of all nodes, each once', async (t) => {
    const topic = `app/${unique('c')}`;
    const [one, two, three] = [socketId(), socketId(), socketId()];
    t.match(await entered(here, topic, one), { subscriptionCount: 1, members: [] });
    t.match(await entered(there, topic, two), { subscriptionCount: 2 });
    t.match(await entered(here, topic, three), { subscriptionCount: 3 });
    t.match(await entered(here, topic, three), { subscriptionCount: 3 }, 'entering twice is one entry');
    t.equal(await here.roster.leave(topic, one), 2);
    t.equal(await here.roster.leave(topic, one), 2, 'leaving twice is leaving once');
    t.equal(await here.roster.leave(topic, three), 1);
    t.equal(await there.roster.leave(topic, two), 0);
    t.equal(await there.roster.leave(topic, two), 0);
    t.equal(await here.roster.leave(`app/${unique('none')}`, one), 0);
    t.match(await entered(there, topic, two), { subscriptionCount: 1 }, 'and may be entered again');
  });

  await t.test('what a joiner brought is free once it is in', async (t) => {
    for (const channel of [unique('c'), unique('presence-')]) {
      const topic = `app/${channel}`;
      const socket = socketId();
      const member = channel.startsWith('presence-') ? { userId: 'u', info: undefined } : undefined;
      let brought: WeakRef<object> | undefined;
      const join = async () => {
        const subscription = { topic };
        brought = new WeakRef(subscription);
        await here.broker.subscribe(topic);
        await here.roster.enter({ topic, socketId: socket, member, maxMembers: undefined }, () => {
          t.ok(subscription.topic);
        });
      };
      await join();
      await new Promise(setImmediate);
      collectGarbage();
      t.equal(brought?.deref(), undefined, channel);
      await here.roster.leave(topic, socket);
    }
  });

  await t.test('of many that enter and leave at once, each is counted', async (t) => {
    for (const channel of [unique('c'), unique('presence-')]) {
      const topic = `app/${channel}`;
      const sockets = Array.from({ length: 40 }, () => socketId());
      const isPresence = channel.startsWith('presence-');
      const nodeOf = (index: number) => nodes[index % nodes.length] ?? here;
      await Promise.all(
        sockets.map((socket, index) =>
          entered(nodeOf(index), topic, socket, isPresence ? { userId: `u${index}`, info: undefined } : undefined),
        ),
      );
      t.match(await there.roster.counts([topic]), [{ subscriptionCount: 40, userCount: isPresence ? 40 : 0 }]);
      const left = await Promise.all(sockets.map((socket, index) => nodeOf(index).roster.leave(topic, socket)));
      t.equal(Math.min(...left), 0, channel);
      t.match(await here.roster.counts([topic]), [{ subscriptionCount: 0, userCount: 0 }]);
    }
  });

  await t.test('a member is added with its first connection and removed with its last', async (t) => {
    const topic = `app/${unique('presence-')}`;
    const watcher = new RosterClient(here, topic, socketId(), 'watcher');
    await watcher.join();
    const ann = [new RosterClient(there, topic, socketId(), 'ann'), new RosterClient(here, topic, socketId(), 'ann')];
    const [first, second] = ann;
    await first?.join();
    await until(() => watcher.members.has('ann'), 'the watcher is told');
    await second?.join();
    t.same(second?.sorted(), ['ann', 'watcher']);
    t.same(await here.roster.counts([topic]), [{ subscriptionCount: 3, userCount: 2 }]);
    t.same((await there.roster.userIds(topic)).sort(), ['ann', 'watcher']);
    await first?.leave();
    t.same((await here.roster.userIds(topic)).sort(), ['ann', 'watcher']);
    await second?.leave();
    await until(() => !watcher.members.has('ann'), 'the watcher is told');
    t.same(await here.roster.userIds(topic), ['watcher']);
    t.same(
      [watcher, ...ann].flatMap(({ complaints }) => complaints),
      [],
    );
  });

  await t.test('members pass as they are, and the info of the first connection stands', async (t) => {
    const topic = `app/${unique('presence-')}`;
    const members: Member[] = [
      { userId: '1', info: '{"name":"Ann \\"A\\" ü 漢字"}' },
      { userId: '__proto__', info: undefined },
      { userId: 'with space and {brace}', info: '{}' },
      { userId: '👍🏽 -1', info: '[1, 2]' },
      { userId: '0 1', info: 'null' },
    ];
    for (const member of members) await entered(here, topic, socketId(), member);
    const last = await entered(there, topic, socketId(), { userId: '1', info: '{"name":"other"}' });
    const byId = (list: readonly Member[]) =>
      list.map(({ userId, info }) => ({ userId, info })).sort((one, two) => (one.userId < two.userId ? -1 : 1));
    t.same(byId(last.members), byId(members));
  });

  await t.test('a full channel takes connections of its members only', async (t) => {
    const topic = `app/${unique('presence-')}`;
    const [one, two] = [socketId(), socketId()];
    await entered(here, topic, one, { userId: 'a', info: undefined }, 2);
    await entered(there, topic, two, { userId: 'b', info: undefined }, 2);
    t.same(await enter(here, topic, socketId(), { userId: 'c', info: undefined }, 2), { outcome: 'full' });
    t.match(await enter(here, topic, socketId(), { userId: 'b', info: undefined }, 2), { outcome: 'entered' });
    t.same(await there.roster.counts([topic]), [{ subscriptionCount: 3, userCount: 2 }]);
    await here.roster.leave(topic, one);
    t.match(await enter(there, topic, socketId(), { userId: 'c', info: undefined }, 2), { outcome: 'entered' });
  });

  await t.test('a user is online from the first connection to the last, and watchers are told once', async (t) => {
    const appId = unique('app');
    const topic = watchTopic(appId, 'ann');
    await there.broker.subscribe(topic);
    const told = () => there.delivered.filter((message) => message.topic === topic).map(({ frame }) => frame);
    const [one, two] = [socketId(), socketId()];
    await here.roster.signIn(appId, 'ann', one);
    await there.roster.signIn(appId, 'ann', two);
    await there.roster.signIn(appId, 'ann', two);
    t.same(await there.roster.online(appId, ['bob', 'ann', 'Ann']), ['ann']);
    t.same(await here.roster.online(unique('app'), ['ann']), []);
    await here.roster.signOut(appId, 'ann', one);
    await here.roster.signOut(appId, 'ann', one);
    await there.roster.signOut(appId, 'ann', two);
    t.same(await here.roster.online(appId, ['ann']), []);
    await until(() => told().length === 2, 'the watcher is told');
    t.match(told()[0], /watchlist_events.*online.*ann/);
    t.match(told()[1], /watchlist_events.*offline.*ann/);
  });

  await t.test('channels are listed by app and prefix with their counts', async (t) => {
    const [appId, otherApp] = [unique('app'), unique('app')];
    const topics = ['a1', 'a2', 'b', 'presence-a'].map((channel) => topicOf(appId, channel));
    for (const topic of topics) {
      const member = topic.includes('presence-') ? { userId: 'u', info: undefined } : undefined;
      await entered(here, topic, socketId(), member);
      await entered(there, topic, socketId(), member);
    }
    await entered(here, topicOf(otherApp, 'a3'), socketId());
    const none = { subscriptionCount: 0, userCount: 0 };
    const two = { subscriptionCount: 2, userCount: 0 };
    const all = await there.roster.channels(appId, '');
    t.same([...all.keys()].sort(), ['a1', 'a2', 'b', 'presence-a']);
    t.same(all.get('a1'), two);
    t.same(all.get('presence-a'), { subscriptionCount: 2, userCount: 1 });
    t.same([...(await here.roster.channels(appId, 'a')).keys()].sort(), ['a1', 'a2']);
    t.same([...(await here.roster.channels(otherApp, '')).keys()], ['a3']);
    t.equal((await here.roster.channels(unique('app'), '')).size, 0);
    t.same(await there.roster.counts([topicOf(appId, 'none'), ...topics.slice(0, 1), topicOf(appId, 'none2')]), [
      none,
      two,
      none,
    ]);
    t.same(await there.roster.userIds(topicOf(appId, 'b')), []);
  });

  await t.test('what is sent to a member as soon as it was seen to come is not missed by it', async (t) => {
    for (let round = 0; round < 20; round += 1) {
      const topic = `app/${unique('presence-')}`;
      const host = new RosterClient(there, topic, socketId(), 'host');
      await host.join();
      const guest = new RosterClient(here, topic, socketId(), `guest${round}`);
      const before = there.onDeliver;
      there.onDeliver = (message) => {
        before(message);
        if (
          message.topic === topic &&
          message.frame.includes(guest.member.userId) &&
          message.frame.includes('member_added')
        ) {
          setImmediate(() => void there.broker.publish([{ topic, frame: '{"event":"welcome"}' }]));
        }
      };
      await guest.join();
      await until(() => guest.frames.length > 0 && host.frames.length > 0, 'the guest is welcomed');
      t.same([guest.frames, host.frames], [['{"event":"welcome"}'], ['{"event":"welcome"}']]);
      t.same([...guest.complaints, ...host.complaints], []);
      there.onDeliver = before;
    }
  });

  await t.test('every list is right however many come and go at once', async (t) => {
    const topic = `app/${unique('presence-')}`;
    const clients = Array.from({ length: 60 }, (_, index) => {
      const node = nodes[index % nodes.length] ?? here;
      return new RosterClient(node, topic, socketId(), `user${index % 45}`);
    });
    await Promise.all(
      clients.map(async (client) => {
        const rounds = 1 + Math.floor(Math.random() * 6);
        for (let round = 0; round < rounds; round += 1) {
          await client.join();
          if (round < rounds - 1 || Math.random() < 0.4) await client.leave();
        }
      }),
    );
    const present = clients.filter(({ joined }) => joined);
    const truth = [...new Set(present.map(({ member }) => member.userId))].sort();
    const isRight = (client: RosterClient) => client.sorted().join() === truth.join();
    await until(() => present.every(isRight), 'every list is the truth').catch((error: unknown) => {
      const wrong = present.find((client) => !isRight(client));
      t.comment(`${wrong?.socketId} has ${wrong?.sorted().join()} of ${truth.join()}`);
      throw error;
    });
    t.same((await there.roster.userIds(topic)).sort(), truth);
    t.same(await here.roster.counts([topic]), [{ subscriptionCount: present.length, userCount: truth.length }]);
    t.same(
      clients.flatMap(({ complaints }) => complaints),
      [],
    );
    await Promise.all(present.map((client) => client.leave()));
    t.same(await here.roster.counts([topic]), [{ subscriptionCount: 0, userCount: 0 }]);
  });
}
