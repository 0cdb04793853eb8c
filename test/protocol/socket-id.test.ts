import t from 'tap';
import { isSocketId, SocketIdSequence } from '../../src/protocol/socket-id.ts';

t.test('the form that every server library validates', async (t) => {
  for (const id of ['1.1', '123.456', '0.0', '281474976710655.1073741824']) t.equal(isSocketId(id), true, id);
  const wrong = ['', '1', '1.', '.1', '1.1.1', 'a.1', '1.b', ' 1.1', '1.1 ', '1.1\n', '-1.1', '1,1', '1.1:private-x'];
  for (const id of [...wrong, undefined, null, 1.1, {}, ['1.1']]) t.equal(isSocketId(id), false, JSON.stringify(id));
});

t.test('a sequence never repeats itself, and two differ in the half that is hard to guess', async (t) => {
  const sequence = new SocketIdSequence();
  const ids = Array.from({ length: 1000 }, () => sequence.next());
  t.ok(ids.every(isSocketId));
  t.equal(new Set(ids).size, 1000);
  const prefixes = new Set(Array.from({ length: 50 }, () => new SocketIdSequence().next().split('.')[0]));
  t.equal(prefixes.size, 50);
});
