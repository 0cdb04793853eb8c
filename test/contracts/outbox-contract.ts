import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import type { Fact, NewFact, OutboxReader } from '../../src/core/contracts/outbox.ts';
import type { Member } from '../../src/core/contracts/roster.ts';
import { topicOf } from '../../src/core/contracts/topic.ts';
import { type ContractNode, hereAndThere, type StartCluster } from '../support/contract-cluster.ts';
import { unique } from '../support/names.ts';
import { until } from '../support/wait.ts';

/** Apps whose facts are read, in the clusters of the contracts. */
const newApp = () => unique('told');

/** Reads until no more comes, for a moment at least. */
async function read(readers: readonly OutboxReader[], wanted: number): Promise<Fact[]> {
  const facts: Fact[] = [];
  await until(async () => {
    for (const reader of readers) facts.push(...(await reader.next()));
    return facts.length >= wanted;
  }, `${wanted} facts`).catch((error: unknown) => {
    throw new Error(`${String(error)}: there are ${JSON.stringify(facts.map(said))}`);
  });
  for (const reader of readers) facts.push(...(await reader.next()));
  return facts;
}

function said({ kind, channel, userId }: Fact): string {
  return [kind, channel, userId].filter((part) => part !== undefined).join(' ');
}

function saidOf(facts: readonly Fact[], appId: string): string[] {
  return facts.filter((fact) => fact.appId === appId).map(said);
}

function cacheMiss(appId: string): NewFact {
  return { kind: 'cache_miss', appId, channel: 'cache-c', userId: undefined };
}

async function enter(node: ContractNode, topic: string, socketId: string, member?: Member): Promise<void> {
  await node.broker.subscribe(topic);
  await node.roster.enter({ topic, socketId, member }, () => undefined);
}

/** What all outboxes do, and what rosters write to them. (core/contracts/outbox.ts) */
export async function outboxContract(t: Test, startCluster: StartCluster): Promise<void> {
  const cluster = await startCluster();
  t.teardown(() => cluster.close());
  const { nodes } = cluster;
  const { here, there } = hereAndThere(cluster);
  const open = (node: ContractNode, name: string): OutboxReader => {
    const reader = node.outbox.reader(name);
    t.teardown(() => reader.close());
    return reader;
  };
  const main = [open(here, 'main'), open(there, 'main')];
  const done = async (facts: readonly Fact[]) => {
    for (const reader of main) await reader.done(facts.filter((fact) => reader.holds(fact)));
  };

  await t.test('what waits is counted until it is done, and its oldest grows older', async (t) => {
    const [wroteAfter, appId] = [Date.now(), newApp()];
    t.same(await here.outbox.backlog(), { facts: 0, oldestSeconds: 0 });
    await here.outbox.write([cacheMiss(appId), cacheMiss(appId), cacheMiss('nobody reads')]);
    const facts = await read(main, 2);
    await delay(20);
    for (const node of nodes) {
      const { facts: waiting, oldestSeconds } = await node.outbox.backlog();
      t.equal(waiting, 2, 'those that were given are not done');
      t.ok(oldestSeconds >= 0.015 && oldestSeconds <= (Date.now() - wroteAfter) / 1000 + 1, `${oldestSeconds} s`);
    }
    await done(facts);
    t.same(await there.outbox.backlog(), { facts: 0, oldestSeconds: 0 });
  });

  await t.test('who came and went is written once, in its order', async (t) => {
    const appId = newApp();
    const [plain, presence] = [topicOf(appId, 'c'), topicOf(appId, 'presence-c')];
    const ann = { userId: 'ann', info: '{"secret":"no"}' };
    const before = Date.now();
    await enter(here, plain, '1.1');
    await enter(there, plain, '1.2');
    await here.roster.leave(plain, '1.1');
    await there.roster.leave(plain, '1.2');
    await there.roster.leave(plain, '1.2');
    await enter(here, presence, '1.1', ann);
    await enter(there, presence, '1.2', ann);
    await enter(there, presence, '1.3', { userId: 'bob', info: undefined });
    await here.roster.leave(presence, '1.1');
    await there.roster.leave(presence, '1.2');
    await there.roster.leave(presence, '1.3');
    await here.roster.signIn(appId, 'ann', '1.1');
    await there.roster.signIn(appId, 'ann', '1.2');
    await here.roster.signOut(appId, 'ann', '1.1');
    await there.roster.signOut(appId, 'ann', '1.2');
    const facts = (await read(main, 10)).filter((fact) => fact.appId === appId);
    t.same(facts.filter(({ channel }) => channel === 'c').map(said), ['channel_occupied c', 'channel_vacated c']);
    t.same(facts.filter(({ channel }) => channel === 'presence-c').map(said), [
      'channel_occupied presence-c',
      'member_added presence-c ann',
      'member_added presence-c bob',
      'member_removed presence-c ann',
      'member_removed presence-c bob',
      'channel_vacated presence-c',
    ]);
    t.same(facts.filter(({ channel }) => channel === undefined).map(said), ['user_online ann', 'user_offline ann']);
    t.equal(new Set(facts.map(({ id }) => id)).size, 10, 'each has an id of its own');
    t.ok(facts.every(({ atMs }) => atMs >= before - 1000 && atMs <= Date.now() + 1000));
    t.notMatch(JSON.stringify(facts), /secret/);
    await done(facts);
  });

  await t.test('of many that come at once one occupies, and of many that go one vacates', async (t) => {
    const appId = newApp();
    for (const channel of ['c', 'presence-c']) {
      const topic = topicOf(appId, channel);
      const nodeOf = (index: number) => nodes[index % nodes.length] ?? here;
      const members = Array.from({ length: 30 }, (_, index) =>
        channel === 'c' ? undefined : { userId: `u${index}`, info: undefined },
      );
      await Promise.all(members.map((member, index) => enter(nodeOf(index), topic, `2.${index}`, member)));
      await Promise.all(members.map((_, index) => nodeOf(index).roster.leave(topic, `2.${index}`)));
    }
    const facts = await read(main, 4 + 60);
    const counts = new Map<string, number>();
    for (const text of saidOf(facts, appId)) counts.set(text, (counts.get(text) ?? 0) + 1);
    t.equal(counts.size, 4 + 60);
    t.ok(
      [...counts.values()].every((count) => count === 1),
      'each is told once',
    );
    await done(facts);
  });

  await t.test('what nobody reads is not written', async (t) => {
    const appId = unique('silent');
    await enter(here, topicOf(appId, 'c'), '1.1');
    await enter(here, topicOf(appId, 'presence-c'), '1.1', { userId: 'ann', info: undefined });
    await here.roster.signIn(appId, 'ann', '1.1');
    await here.outbox.write([{ kind: 'cache_miss', appId, channel: 'cache-c', userId: undefined }]);
    const told = newApp();
    await here.outbox.write([{ kind: 'cache_miss', appId: told, channel: 'cache-c', userId: undefined }]);
    const facts = await read(main, 1);
    t.same(saidOf(facts, appId), []);
    t.same(saidOf(facts, told), ['cache_miss cache-c']);
    await done(facts);
  });

  await t.test('what only a node knows of passes as it is', async (t) => {
    const appId = newApp();
    const written: NewFact[] = [
      { kind: 'client_event', appId, channel: 'private-c', userId: 'ann', detail: '{"data":"a b \\n 漢字 👍🏽"}' },
      { kind: 'client_event', appId, channel: 'private-c', userId: undefined, detail: undefined },
      { kind: 'client_event', appId, channel: 'private-c', userId: 'bob', detail: '{"data":"漢字"}'.padEnd(10_000) },
      { kind: 'user_online', appId, channel: undefined, userId: 'with space' },
    ];
    await there.outbox.write(written);
    const facts = await read(main, 4);
    const sorted = (list: readonly NewFact[]) =>
      list.map(({ kind, channel, userId, detail }) => JSON.stringify({ kind, channel, userId, detail })).sort();
    t.same(sorted(facts), sorted(written));
    await done(facts);
  });

  await t.test('one end of a reader is given a fact, and each reader is given every fact', async (t) => {
    const appId = newApp();
    const other = [open(here, unique('other')), open(there, unique('other'))];
    for (let index = 0; index < 50; index += 1)
      await enter(nodes[index % nodes.length] ?? here, topicOf(appId, `c${index}`), '3.1');
    const [ours, ...theirs] = await Promise.all([read(main, 50), ...other.map((reader) => read([reader], 50))]);
    t.equal(saidOf(ours ?? [], appId).length, 50);
    for (const facts of theirs) t.equal(new Set(saidOf(facts, appId)).size, 50);
    await done(ours ?? []);
    for (const [index, facts] of theirs.entries()) await other[index]?.done(facts);
  });

  await t.test('what is not done goes to the other end, in its order, and what is done does not', async (t) => {
    const name = unique('handover');
    const [first, second] = [open(here, name), open(there, name)];
    const appId = newApp();
    const topic = topicOf(appId, 'c');
    for (let round = 0; round < 5; round += 1) {
      await enter(here, topic, '4.1');
      await here.roster.leave(topic, '4.1');
    }
    const given = (await read([first], 10)).filter((fact) => fact.appId === appId);
    t.equal(given.length, 10);
    t.ok(given.every((fact) => first.holds(fact)));
    t.same(saidOf(await second.next(), appId), []);
    const isDone = (_: unknown, index: number) => index < 3 || index === 6;
    await first.done(given.filter(isDone));
    await enter(here, topic, '4.2');
    await first.close();
    t.notOk(
      given.some((fact) => first.holds(fact)),
      'they are no longer its own',
    );
    const left = (await read([second], 7)).filter((fact) => fact.appId === appId);
    const ids = (facts: readonly Fact[]) => facts.map(({ id }) => id);
    t.same(ids(left.slice(0, 6)), ids(given.filter((fact, index) => !isDone(fact, index))), 'under the same ids');
    t.same(saidOf(left.slice(6), appId), ['channel_occupied c'], 'and what came since');
    await second.done(left);
    t.same(saidOf(await read([second], 0), appId), []);
  });
}
