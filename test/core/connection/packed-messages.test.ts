import fc from 'fast-check';
import t from 'tap';
import { type Message, PackedMessages, waitingBytesOf } from '../../../src/core/connection/packed-messages.ts';

const message = fc.record({
  text: fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 50 }),
    fc.nat(40_000).map((length) => 'x'.repeat(length)),
  ),
  nowMs: fc.double({ min: 0, max: 1e13, noNaN: true }),
  isForOthers: fc.boolean(),
  isExtra: fc.boolean(),
});

t.test('what was added is taken off as it was, in the same order', async () => {
  fc.assert(
    fc.property(fc.array(fc.option(message), { maxLength: 60 }), (steps) => {
      const packed = new PackedMessages();
      const expected: Message[] = [];
      const same = (one: Message | undefined) => JSON.stringify(packed.take()) === JSON.stringify(one);
      for (const step of steps) {
        if (step !== null) {
          packed.add(step);
          expected.push(step);
        } else if (expected.length > 0 && !same(expected.shift())) return false;
        if (packed.size !== expected.length) return false;
      }
      return expected.every(same) && packed.size === 0;
    }),
  );
});

t.test('half a character is what UTF-8 has for it', async (t) => {
  const packed = new PackedMessages();
  packed.add({ text: 'a\ud800b', nowMs: 1, isForOthers: false, isExtra: false });
  t.equal(packed.take().text, 'a\ufffdb');
});

t.test('nothing can be taken off if nothing is left', async (t) => {
  const packed = new PackedMessages();
  t.throws(() => packed.take(), RangeError);
  packed.add({ text: '', nowMs: 0, isForOthers: false, isExtra: true });
  t.same(packed.take(), { text: '', nowMs: 0, isForOthers: false, isExtra: true });
  t.throws(() => packed.take(), RangeError);
});

t.test('a message counts for no less than what it takes, here and in the engine', async (t) => {
  t.equal(waitingBytesOf({ text: 'abc' }), 6);
  t.equal(waitingBytesOf({ text: 'äöü' }), 6);
  t.equal(waitingBytesOf({ text: '漢字' }), 6);
});
