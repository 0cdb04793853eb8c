import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { type Change, type Reconciled, Reconciler } from '../../../src/broker/redis/lease/reconciler.ts';
import { type Deferred, deferred } from '../../../src/broker/redis/wire/deferred.ts';

interface Named extends Change {
  readonly name: string;
  readonly done: Deferred<string>;
}

interface Write {
  readonly incarnation: string;
  readonly names: string;
  readonly reply: Deferred<readonly string[]>;
}

function named(name: string): Named {
  return { name, done: deferred<string>() };
}

/** Whatever Redis and the lease would do is done by the test, when it likes. */
class Harness implements Reconciled<Named, string> {
  readonly writes: Write[] = [];
  readonly taken: string[] = [];
  rests = 0;
  /** What there is, apart from changes, and what Redis has of it. */
  present = 0;
  written = 0;
  incarnation = 'one';
  writtenUnder = 'one';
  claims: Deferred<string>[] = [];
  throwsOn = '';
  readonly reconciler: Reconciler<Named, string>;

  constructor(atOnce = Number.POSITIVE_INFINITY) {
    this.reconciler = new Reconciler(this, {
      claim: () => this.claims.shift()?.promise ?? Promise.resolve(this.incarnation),
      incarnation: () => this.incarnation,
      atOnce,
      logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    });
  }

  isBehind(incarnation: string): boolean {
    return this.written !== this.present || (this.written > 0 && this.writtenUnder !== incarnation);
  }

  async write(incarnation: string, changes: readonly Named[]): Promise<readonly string[]> {
    const count = this.present;
    const write = { incarnation, names: changes.map(({ name }) => name).join(), reply: deferred<readonly string[]>() };
    this.writes.push(write);
    const outcomes = await write.reply.promise;
    this.written = count;
    this.writtenUnder = incarnation;
    return outcomes;
  }

  take(change: Named, outcome: string): void {
    if (change.name === this.throwsOn) throw new Error('the taker failed');
    this.taken.push(`${change.name} ${outcome}`);
    change.done.resolve(outcome);
  }

  rest(): void {
    this.rests += 1;
  }

  add(...names: string[]): Named[] {
    const changes = names.map(named);
    for (const change of changes) this.reconciler.add(change);
    return changes;
  }

  /** Answers the last write. */
  async answer(...outcomes: string[]): Promise<void> {
    this.writes.at(-1)?.reply.resolve(outcomes);
    await turn();
  }
}

await t.test('changes that come during a write are one write after it', async (t) => {
  const harness = new Harness();
  const [first] = harness.add('a');
  await turn();
  const [, third] = harness.add('b', 'c');
  t.same(
    harness.writes.map(({ names }) => names),
    ['a'],
  );
  await harness.answer('A');
  t.equal(await first?.done.promise, 'A');
  t.same(
    harness.writes.map(({ names }) => names),
    ['a', 'b,c'],
  );
  t.equal(harness.rests, 0);
  await harness.answer('B', 'C');
  t.equal(await third?.done.promise, 'C');
  t.same(harness.taken, ['a A', 'b B', 'c C']);
  t.equal(harness.rests, 1);
  t.ok(harness.reconciler.resting);
});

await t.test('a write has so many changes at most, in their order', async (t) => {
  const harness = new Harness(2);
  harness.add('a', 'b', 'c', 'd', 'e');
  await turn();
  await harness.answer('A', 'B');
  await harness.answer('C', 'D');
  await harness.answer('E');
  t.same(
    harness.writes.map(({ names }) => names),
    ['a,b', 'c,d', 'e'],
  );
  t.same(harness.taken, ['a A', 'b B', 'c C', 'd D', 'e E']);
});

await t.test('a change that is given up before it is sent is never written', async (t) => {
  const harness = new Harness();
  const claim = deferred<string>();
  harness.claims.push(claim);
  const [given, kept] = harness.add('given', 'kept');
  if (given === undefined || kept === undefined) throw new Error('changes are missing');
  t.equal(harness.reconciler.giveUp(given), false);
  claim.resolve('one');
  await turn();
  t.same(
    harness.writes.map(({ names }) => names),
    ['kept'],
  );
  await harness.answer('K');
  t.same(harness.taken, ['kept K']);
});

await t.test('if all are given up before the lease holds, nothing is written', async (t) => {
  const harness = new Harness();
  const claim = deferred<string>();
  harness.claims.push(claim);
  for (const change of harness.add('a', 'b')) harness.reconciler.giveUp(change);
  claim.resolve('one');
  await turn();
  t.same(harness.writes, []);
  t.equal(harness.rests, 1);
});

await t.test('the outcome of a change that was given up while it was written is not taken', async (t) => {
  const harness = new Harness();
  const [given] = harness.add('given', 'kept');
  if (given === undefined) throw new Error('a change is missing');
  await turn();
  t.equal(harness.reconciler.giveUp(given), true, 'Redis may have it');
  await harness.answer('G', 'K');
  t.same(harness.taken, ['kept K']);
  t.equal(harness.reconciler.giveUp(given), true, 'nor is it unsent afterwards');
});

await t.test('what Redis has too much or too little of is written until it is right', async (t) => {
  const harness = new Harness();
  harness.present = 1;
  const caughtUp = harness.reconciler.catchUp();
  await turn();
  harness.present = 2;
  await harness.answer();
  t.equal(harness.writes.length, 2);
  t.equal(harness.rests, 0);
  await harness.answer();
  await caughtUp;
  t.equal(harness.rests, 1);
  await harness.reconciler.catchUp();
  t.equal(harness.writes.length, 2, 'nothing is written if there is nothing to say');
});

await t.test('what was written for an incarnation that ended meanwhile is written again', async (t) => {
  const harness = new Harness();
  harness.present = 1;
  const caughtUp = harness.reconciler.catchUp();
  await turn();
  harness.incarnation = 'two';
  await harness.answer();
  t.same(
    harness.writes.map(({ incarnation }) => incarnation),
    ['one', 'two'],
  );
  await harness.answer();
  await caughtUp;
});

await t.test('who waits for Redis to catch up does not wait for changes that go on coming', async (t) => {
  const harness = new Harness(1);
  harness.present = 1;
  harness.add('a', 'b', 'c');
  let caughtUp = false;
  void harness.reconciler.catchUp().then(() => {
    caughtUp = true;
  });
  await turn();
  await harness.answer('A');
  t.ok(caughtUp);
  t.equal(harness.writes.length, 2, 'more changes are written');
});

await t.test('a taker that throws fails its own change alone', async (t) => {
  const harness = new Harness();
  harness.throwsOn = 'a';
  const [bad, good] = harness.add('a', 'b');
  if (bad === undefined) throw new Error('a change is missing');
  const failure = t.rejects(bad.done.promise, /the taker failed/);
  await turn();
  await harness.answer('A', 'B');
  await failure;
  t.equal(await good?.done.promise, 'B');
  t.equal(harness.rests, 1);
});

await t.test('a write that fails for good fails all that wait, and later changes are tried again', async (t) => {
  const harness = new Harness();
  harness.present = 1;
  const [sent] = harness.add('sent');
  await turn();
  const [waiting] = harness.add('waiting');
  const caughtUp = harness.reconciler.catchUp();
  if (sent === undefined || waiting === undefined) throw new Error('changes are missing');
  const failures = [
    t.rejects(sent.done.promise, /closed/),
    t.rejects(waiting.done.promise, /closed/),
    t.rejects(caughtUp, /closed/),
  ];
  harness.writes[0]?.reply.reject(new Error('closed'));
  await Promise.all(failures);
  t.equal(harness.rests, 0);
  const [later] = harness.add('later');
  await turn();
  await harness.answer('L');
  t.equal(await later?.done.promise, 'L');
});
