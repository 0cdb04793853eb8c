import t from 'tap';
import { Places } from '../../../src/broker/redis/wire/places.ts';

t.test('so many at once, and the others in the order in which they came', async (t) => {
  const places = new Places(2);
  t.equal(places.take(), undefined);
  t.equal(places.take(), undefined);
  const begun: string[] = [];
  const all = ['a', 'b', 'c'].map((name) => places.take()?.then(() => begun.push(name)));
  await Promise.resolve();
  t.strictSame(begun, []);
  places.giveBack();
  places.giveBack();
  await Promise.all(all.slice(0, 2));
  t.strictSame(begun, ['a', 'b']);
  places.giveBack();
  await Promise.all(all);
  places.giveBack();
  t.equal(places.take(), undefined, 'one has been given back');
  t.not(places.take(), undefined, 'the other has not');
});
