/** Parts of a list, of so many items each. */
export function* batchesOf<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

/** Acts on all items, on so many at once. Ends with the first batch in which one fails. */
export async function inBatches<Item>(
  items: readonly Item[],
  size: number,
  act: (item: Item) => Promise<unknown>,
): Promise<void> {
  for (const batch of batchesOf(items, size)) await Promise.all(batch.map(act));
}
