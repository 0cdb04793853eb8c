import t from 'tap';
import { MemoryOutbox, OUTBOX_BOUNDS } from '../../../src/broker/memory/memory-outbox.ts';
import type { Fact } from '../../../src/core/contracts/outbox.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';

const fact = { kind: 'client_event', appId: 'app', channel: 'private-c', userId: undefined } as const;

function start(nowMs: () => number = Date.now) {
  const warnings: object[] = [];
  const ignore = () => undefined;
  const logger = { debug: ignore, info: ignore, warn: (fields: object) => warnings.push(fields), error: ignore };
  const outbox = new MemoryOutbox(() => true, logger, { now: nowMs });
  return { outbox, warnings, reader: outbox.reader('r') };
}

async function readAll({ reader }: ReturnType<typeof start>): Promise<Fact[]> {
  const facts: Fact[] = [];
  for (;;) {
    const some = await reader.next();
    if (some.length === 0) return facts;
    facts.push(...some);
  }
}

t.test('what nobody tells is bounded in number, and the log says so once', async (t) => {
  const started = start();
  for (let index = 0; index < OUTBOX_BOUNDS.maxFacts + 10; index += 1) {
    started.outbox.tell({ ...fact, detail: String(index) });
  }
  t.same(started.warnings, [{ dropped: 1 }]);
  const facts = await readAll(started);
  t.equal(facts.length, OUTBOX_BOUNDS.maxFacts);
  t.equal(facts[0]?.detail, '10');
});

t.test('it is bounded in bytes, whether it was given or not', async (t) => {
  const started = start();
  const detail = 'x'.repeat(1024 * 1024);
  started.outbox.tell({ ...fact, detail });
  const [given] = await started.reader.next();
  for (let index = 0; index < 8; index += 1) started.outbox.tell({ ...fact, detail });
  t.equal((await readAll(started)).length, 7);
  t.equal(given !== undefined && started.reader.holds(given), false, 'what was given goes too');
});

t.test('long details wait outside the heap, and are facts like all others', async (t) => {
  const started = start();
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const detailOf = (index: number) => JSON.stringify({ data: String(index).padEnd(100_000, '漢') });
  for (let index = 0; index < 50; index += 1) started.outbox.tell({ ...fact, detail: detailOf(index) });
  collectGarbage();
  const grown = process.memoryUsage().heapUsed - before;
  t.ok(grown < 1_000_000, `${grown} bytes of the heap for 50 details of 100,000 characters`);
  const facts = await readAll(started);
  t.equal(facts[7]?.detail, detailOf(7));
  t.equal((JSON.parse(JSON.stringify(facts[7])) as Fact).detail, detailOf(7), 'as what is given up is written down');
  t.equal({ ...facts[7] }.detail, detailOf(7));
});

t.test('it is bounded in time', async (t) => {
  let nowMs = 1_000_000;
  const started = start(() => nowMs);
  started.outbox.tell(fact);
  nowMs += OUTBOX_BOUNDS.maxAgeSeconds * 1000 + 1;
  started.outbox.tell({ ...fact, detail: 'late' });
  t.same(
    (await readAll(started)).map(({ detail }) => detail),
    ['late'],
  );
});

t.test('what every reader is done with is forgotten', async (t) => {
  const { outbox, reader } = start();
  const other = outbox.reader('other');
  outbox.tell(fact);
  const facts = await reader.next();
  await reader.done(facts);
  t.equal((await other.next()).length, 1, 'the other one is not done');
  await other.done(facts);
  t.same(await outbox.reader('new').next(), []);
});

t.test('an app of which very much happens loses facts of its own, and none of others', async (t) => {
  for (const [count, detail] of [
    [OUTBOX_BOUNDS.maxFacts + 100, undefined],
    [20, 'x'.repeat(1024 * 1024)],
  ] as const) {
    const started = start();
    for (let index = 0; index < 10; index += 1) started.outbox.tell({ ...fact, appId: 'quiet', detail: `${index}` });
    for (let index = 0; index < count; index += 1) started.outbox.tell({ ...fact, appId: 'loud', detail });
    const facts = await readAll(started);
    t.same(
      facts.filter(({ appId }) => appId === 'quiet').map((one) => one.detail),
      ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    );
    t.ok(facts.length <= OUTBOX_BOUNDS.maxFacts);
  }
});

t.test('what is too old is dropped whichever app something happens of', async (t) => {
  let nowMs = 1_000_000;
  const started = start(() => nowMs);
  started.outbox.tell({ ...fact, appId: 'quiet' });
  nowMs += OUTBOX_BOUNDS.maxAgeSeconds * 1000 + 1;
  started.outbox.tell({ ...fact, appId: 'loud' });
  t.same(
    (await readAll(started)).map(({ appId }) => appId),
    ['loud'],
  );
});
