import fc from 'fast-check';
import t from 'tap';
import { MemoryLog } from '../../../src/broker/memory/memory-log.ts';
import type { LoggedMessage } from '../../../src/core/contracts/channel-log.ts';
import { isMarker } from '../../../src/core/contracts/channel-log.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';

const TOPIC = 'app/room';
const WIDE = { maxEvents: 1000, maxBytes: 1_000_000, maxAgeSeconds: 1000 };

function frames(messages: readonly LoggedMessage[] | undefined): string[] | undefined {
  return messages?.map(({ frame }) => frame);
}

function append(log: MemoryLog, frame: string, nowMs = 0): LoggedMessage {
  return log.append({ topic: TOPIC, frame }, nowMs);
}

t.test('what came after a position, and nothing before it', async (t) => {
  const log = new MemoryLog(TOPIC, () => WIDE);
  const start = log.end;
  const a = append(log, 'a');
  append(log, 'b');
  const c = append(log, 'c');
  t.same(frames(log.since(start, 0)), ['a', 'b', 'c']);
  t.same(frames(log.since(a.position, 0)), ['b', 'c']);
  t.same(frames(log.since(c.position, 0)), [], 'at the end there is nothing more, which is not a gap');
  t.same(log.end, c.position);
});

t.test('a position of another log, or of the future, is not answered', async (t) => {
  const log = new MemoryLog(TOPIC, () => WIDE);
  append(log, 'a');
  t.equal(log.since({ epoch: 'another', offset: 0 }, 0), undefined);
  t.equal(log.since({ epoch: log.end.epoch, offset: 2 }, 0), undefined);
  t.not(new MemoryLog(TOPIC, () => WIDE).end.epoch, log.end.epoch, 'each log has its own epoch');
});

t.test('a marker stands at the end and has nothing for clients', async (t) => {
  const log = new MemoryLog(TOPIC, () => WIDE);
  const { position } = append(log, 'a');
  t.same(log.marker(), { topic: TOPIC, frame: '', position });
  t.equal(isMarker(log.marker()), true);
  t.equal(isMarker(append(log, 'b')), false);
});

t.test('the count bounds it', async (t) => {
  const log = new MemoryLog(TOPIC, () => ({ ...WIDE, maxEvents: 2 }));
  const start = log.end;
  const a = append(log, 'a');
  append(log, 'b');
  t.same(frames(log.since(start, 0)), ['a', 'b'], 'full is not over');
  append(log, 'c');
  t.equal(log.since(start, 0), undefined, 'a is gone, so this is a gap');
  t.same(frames(log.since(a.position, 0)), ['b', 'c']);
});

t.test('bytes bound it, not characters', async (t) => {
  const log = new MemoryLog(TOPIC, () => ({ ...WIDE, maxBytes: 6 }));
  const a = append(log, 'éé');
  append(log, 'b');
  append(log, 'c');
  t.same(frames(log.recent(10, 1000, 0)), ['éé', 'b', 'c'], 'six bytes fit');
  append(log, 'd');
  t.same(frames(log.recent(10, 1000, 0)), ['b', 'c', 'd']);
  t.same(frames(log.since(a.position, 0)), ['b', 'c', 'd']);
});

t.test('a message larger than the log leaves a gap, and the log goes on', async (t) => {
  const log = new MemoryLog(TOPIC, () => ({ ...WIDE, maxBytes: 6 }));
  const start = log.end;
  const large = append(log, 'x'.repeat(7));
  t.equal(log.since(start, 0), undefined);
  append(log, 'b');
  t.same(frames(log.since(large.position, 0)), ['b']);
});

t.test('age bounds it, whether or not anything is appended', async (t) => {
  const log = new MemoryLog(TOPIC, () => ({ ...WIDE, maxAgeSeconds: 10 }));
  const start = log.end;
  const a = append(log, 'a', 0);
  append(log, 'b', 5_000);
  t.same(frames(log.since(start, 10_000)), ['a', 'b'], 'as old as may be');
  t.equal(log.since(start, 10_001), undefined);
  t.same(frames(log.since(a.position, 10_001)), ['b']);
  t.same(frames(log.since(log.end, 60_000)), [], 'who has everything is not told of a gap, however late');
});

t.test('keeping it asks for a longer age, never for a shorter one', async (t) => {
  const log = new MemoryLog(TOPIC, () => ({ ...WIDE, maxAgeSeconds: 10 }));
  log.keep(0, 60, 60);
  log.keep(0, 10, 10);
  t.equal(log.keepUntilMs, 60_000);
  append(log, 'a', 0);
  t.same(frames(log.recent(10, 100, 60_000)), ['a']);
  log.trim(60_001);
  t.same(frames(log.recent(10, 100, 60_001)), []);
});

t.test('the last events: at most so many, none too old, oldest first', async (t) => {
  const log = new MemoryLog(TOPIC, () => WIDE);
  t.same(log.recent(3, 10, 0), []);
  for (let second = 0; second < 6; second += 1) append(log, String(second), second * 1000);
  t.same(frames(log.recent(3, 10, 5_000)), ['3', '4', '5']);
  t.same(frames(log.recent(3, 1, 5_000)), ['4', '5']);
  t.same(frames(log.recent(0, 10, 5_000)), []);
  t.same(frames(log.recent(100, 10, 5_000)), ['0', '1', '2', '3', '4', '5']);
});

t.test('whatever is appended, it answers as a list would that is cut at the front', async () => {
  const bounds = { maxEvents: 7, maxBytes: 40, maxAgeSeconds: 5 };
  const step = fc.record({ waitMs: fc.integer({ min: 0, max: 3000 }), length: fc.integer({ min: 1, max: 45 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 800 }), (steps) => {
      const log = new MemoryLog(TOPIC, () => bounds);
      const { epoch } = log.end;
      let nowMs = 0;
      let kept: { offset: number; frame: string; atMs: number }[] = [];
      steps.forEach(({ waitMs, length }, index) => {
        nowMs += waitMs;
        const frame = 'x'.repeat(length);
        append(log, frame, nowMs);
        kept.push({ offset: index + 1, frame, atMs: nowMs });
        const bytes = () => kept.reduce((sum, entry) => sum + entry.frame.length, 0);
        kept = kept.filter(({ atMs }) => nowMs - atMs <= bounds.maxAgeSeconds * 1000);
        while (kept.length > bounds.maxEvents || bytes() > bounds.maxBytes) kept.shift();
        const first = index + 2 - kept.length;
        for (const offset of [first - 2, first - 1, index, index + 1]) {
          const expected = offset < first - 1 ? undefined : kept.filter((entry) => entry.offset > offset);
          const answer = log.since({ epoch, offset }, nowMs);
          if (JSON.stringify(frames(answer)) !== JSON.stringify(expected?.map((entry) => entry.frame))) {
            throw new Error(`since ${offset} of ${index + 1} differs`);
          }
        }
      });
    }),
    { numRuns: 30 },
  );
});

t.test('what was removed is not held on to', async (t) => {
  const log = new MemoryLog(TOPIC, () => ({ maxEvents: 1000, maxBytes: 200_000, maxAgeSeconds: 1000 }));
  const fill = () => {
    for (let index = 0; index < 200; index += 1)
      append(log, Buffer.alloc(100_000, 97 + (index % 26)).toString('latin1'));
  };
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  fill();
  collectGarbage();
  const heldBytes = process.memoryUsage().heapUsed - before;
  t.ok(heldBytes < 2_000_000, `200 kB may be kept of 20 MB; ${heldBytes} are`);
});
