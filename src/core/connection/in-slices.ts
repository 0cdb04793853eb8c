import { NODE_TURNS, SPARE_TURNS } from './node-turns.ts';

/** So many are under way at once. */
const MAX_LEFT_AT_ONCE = 100;

/**
 * Does something with each of many: a slice of them at once, and each begun in its turn (node-turns.ts). One that
 * fails keeps none from its turn; rejects with the first failure in the end.
 *
 * @param asUsual those after so many are begun when there is time to spare
 */
export async function inSlices<Item>(
  items: readonly Item[],
  act: (item: Item) => Promise<void>,
  asUsual = Number.POSITIVE_INFINITY,
): Promise<void> {
  const failures: unknown[] = [];
  const begin = async (item: Item) => {
    try {
      await act(item);
    } catch (error) {
      failures.push(error);
    }
  };
  for (let at = 0; at < items.length; at += MAX_LEFT_AT_ONCE) {
    const begun: Promise<void>[] = [];
    for (const [offset, item] of items.slice(at, at + MAX_LEFT_AT_ONCE).entries()) {
      const turn = at + offset < asUsual ? NODE_TURNS.take() : SPARE_TURNS.take();
      if (turn !== undefined) await turn;
      begun.push(begin(item));
    }
    await Promise.all(begun);
  }
  if (failures.length > 0) throw failures[0];
}
