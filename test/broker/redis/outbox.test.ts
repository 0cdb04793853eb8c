import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { OUTBOX_BOUNDS } from '../../../src/broker/redis/scripts/outbox.ts';
import type { Fact, OutboxReader } from '../../../src/core/contracts/outbox.ts';
import { closeNode, redisNode } from '../../support/contract-cluster.ts';
import { unique } from '../../support/names.ts';
import { NodeProcess } from '../../support/redis/node-process.ts';
import { startRedis } from '../../support/redis-server.ts';
import { until } from '../../support/wait.ts';

const LEASE_SECONDS = 1;

t.setTimeout(120_000);

const redis = await startRedis();
t.teardown(() => redis.stop());

async function start(t: Test, { leaseSeconds = LEASE_SECONDS, acceptTimeoutSeconds = 0.4 } = {}) {
  const settings = {
    url: redis.url,
    keyPrefix: `${unique('test')}:`,
    leaseSeconds,
    acceptTimeoutSeconds,
  };
  const node = await redisNode(settings);
  t.teardown(() => closeNode(node));
  return { node, settings, appId: unique('told') };
}

async function readInto(facts: Fact[], reader: OutboxReader): Promise<void> {
  facts.push(...(await reader.next()));
}

function said({ kind, channel, userId }: Fact): string {
  return [kind, channel, userId].filter((part) => part !== undefined).join(' ');
}

await t.test('what a killed node was given is told by another, and that all it had has gone', async (t) => {
  const { node, settings, appId } = await start(t);
  const victim = await NodeProcess.start('telling-node.ts', redis.url, settings.keyPrefix, appId, 'r', LEASE_SECONDS);
  t.teardown(() => victim.kill());
  let given: string[] = [];
  await until(async () => {
    given = await victim.ask<string[]>('report');
    return given.length === 4;
  }, 'the victim is given what it made happen');
  const reader = node.outbox.reader('r');
  t.teardown(() => reader.close());
  t.same(await reader.next(), [], 'nobody else is');
  await victim.kill();
  const facts: Fact[] = [];
  await until(
    async () => {
      await readInto(facts, reader);
      return facts.length === 8;
    },
    'another node is given all',
    4 * LEASE_SECONDS * 1000,
  );
  const isGivenAgain = ({ id }: Fact) => given.includes(id);
  t.equal(facts.filter(isGivenAgain).length, 4, 'those that were not done');
  t.same(
    facts
      .filter((fact) => !isGivenAgain(fact))
      .map(said)
      .sort(),
    ['channel_vacated c', 'channel_vacated presence-c', 'member_removed presence-c victim', 'user_offline victim'],
  );
  t.same(
    facts.filter(({ channel }) => channel === 'c').map(said),
    ['channel_occupied c', 'channel_vacated c'],
    'those of one channel in their order',
  );
  await reader.done(facts);
  t.same(await reader.next(), []);
});

await t.test('while Redis hangs no fact is anybody’s, and afterwards each is given again', async (t) => {
  const { node, appId } = await start(t);
  const reader = node.outbox.reader('r');
  t.teardown(() => reader.close());
  for (const channel of ['a', 'b', 'c']) {
    await node.roster.enter({ topic: `${appId}/${channel}`, socketId: '1.1' }, () => undefined);
  }
  const given: Fact[] = [];
  await until(async () => {
    await readInto(given, reader);
    return given.length === 3;
  }, 'facts are given');
  redis.signal('SIGSTOP');
  try {
    await t.rejects(reader.next(), { name: 'BrokerUnavailable' });
    await until(() => !given.some((fact) => reader.holds(fact)), 'the facts may be told by another node');
  } finally {
    redis.signal('SIGCONT');
  }
  await until(() => node.broker.isReady(), 'the node is ready again');
  const again: Fact[] = [];
  await until(async () => {
    await readInto(again, reader);
    return again.length === 3;
  }, 'they are given again');
  t.same(again.map(({ id }) => id).sort(), given.map(({ id }) => id).sort());
  t.notOk(
    given.some((fact) => reader.holds(fact)),
    'in their new form only',
  );
  t.ok(again.every((fact) => reader.holds(fact)));
});

await t.test('what was not held while Redis was slow to answer is given again', async (t) => {
  const { node, appId } = await start(t, { leaseSeconds: 2, acceptTimeoutSeconds: 5 });
  const reader = node.outbox.reader('r');
  t.teardown(() => reader.close());
  await node.outbox.write([{ kind: 'cache_miss', appId, channel: 'cache-c', userId: undefined }]);
  const [given] = await reader.next();
  if (given === undefined) throw new Error('no fact was given');
  // The answer comes after the end of the time before it, and before the end of the time that it tells.
  await pause(450);
  await redis.command('CLIENT', 'PAUSE', '1800', 'ALL');
  const slow = reader.next();
  await until(() => !reader.holds(given), 'the fact may be told by another node');
  const again = [...(await slow)];
  await until(async () => {
    await readInto(again, reader);
    return again.length === 1;
  }, 'it is given again');
  t.equal(again[0]?.id, given.id);
  t.notOk(reader.holds(given), 'who has dropped it cannot find it held again');
});

await t.test('who does not ask for a while keeps what it was given', async (t) => {
  const { node, settings, appId } = await start(t);
  const other = await redisNode(settings);
  t.teardown(() => closeNode(other));
  const [first, second] = [node.outbox.reader('r'), other.outbox.reader('r')];
  t.teardown(() => Promise.all([first.close(), second.close()]));
  await node.outbox.write([{ kind: 'cache_miss', appId, channel: 'cache-c', userId: undefined }]);
  const [fact] = await first.next();
  if (fact === undefined) throw new Error('no fact was given');
  const endMs = performance.now() + 2 * LEASE_SECONDS * 1000;
  await until(async () => {
    if ((await second.next()).length > 0) throw new Error('it was given to another node');
    if (!first.holds(fact)) throw new Error('it is no longer held');
    return performance.now() > endMs;
  }, 'two leases pass');
});

await t.test('what nobody tells is bounded, the oldest go first, and nothing is left when all is told', async (t) => {
  const { node, settings, appId } = await start(t);
  const channel = 'cache-c';
  const count = OUTBOX_BOUNDS.maxFacts + 100;
  for (let index = 0; index < count; index += 1) {
    await node.outbox.write([{ kind: 'client_event', appId, channel, userId: undefined, detail: String(index) }]);
  }
  const stream = (await redis.command('KEYS', `${settings.keyPrefix}*facts:`)).trim();
  t.equal(await redis.command('XLEN', stream), String(OUTBOX_BOUNDS.maxFacts));
  const reader = node.outbox.reader('r');
  t.teardown(() => reader.close());
  const facts: Fact[] = [];
  await until(async () => {
    await readInto(facts, reader);
    return facts.length >= OUTBOX_BOUNDS.maxFacts;
  }, 'all are given');
  t.equal(facts[0]?.detail, '100');
  t.equal(facts.at(-1)?.detail, String(count - 1));
  await reader.done(facts);
  t.equal(await redis.command('XLEN', stream), '0');
  t.match(await redis.command('HGET', stream.replace('facts:', 'outbox:'), 'bytes'), /^0$/);
  t.ok(Number(await redis.command('PTTL', stream)) > 0, 'and the rest of it passes with time');

  const large = 'x'.repeat(10_000);
  for (let index = 0; index < 100; index += 1) {
    await node.outbox.write([{ kind: 'client_event', appId, channel, userId: undefined, detail: large }]);
  }
  const kept = Number(await redis.command('XLEN', stream));
  t.ok(kept > 40 && kept * large.length <= OUTBOX_BOUNDS.maxBytes, `${kept} large ones are kept`);
});
