import t from 'tap';
import { PARTS, partOf } from '../../../src/broker/redis/requests/parts.ts';
import { sha256 } from '../../../src/protocol/signatures.ts';

t.test('every part gets as much, so that none is full long before the others', async (t) => {
  const counts = new Array<number>(PARTS).fill(0);
  for (let n = 0; n < PARTS * 1000; n += 1) {
    const part = partOf(sha256(`key ${n}`));
    counts[part] = (counts[part] ?? 0) + 1;
  }
  t.ok(
    counts.every((count) => count > 900 && count < 1100),
    `${counts}`,
  );
});
