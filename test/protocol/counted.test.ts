import t from 'tap';
import { counted } from '../../src/protocol/counted.ts';

t.test('one of a thing is not several', async (t) => {
  t.strictSame(
    [0, 1, 2].map((count) => counted(count, 'member')),
    ['0 members', '1 member', '2 members'],
  );
});
