/** Few enough to take a millisecond or so. */
const MAX_LEFT_PER_TURN = 100;

/**
 * Does something with each of many, a slice of them at once, and lets the event loop go round in between. One that
 * fails keeps none from its turn; rejects with the first failure in the end.
 */
export async function inSlices<Item>(items: readonly Item[], act: (item: Item) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  for (let at = 0; at < items.length; at += MAX_LEFT_PER_TURN) {
    if (at > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    const results = await Promise.allSettled(items.slice(at, at + MAX_LEFT_PER_TURN).map((item) => act(item)));
    for (const result of results) if (result.status === 'rejected') failures.push(result.reason);
  }
  if (failures.length > 0) throw failures[0];
}
