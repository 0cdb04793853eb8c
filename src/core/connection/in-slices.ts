/** Few enough to take a millisecond or so. */
const SLICE = 250;

/** Does something with each of many, in their order, and lets the event loop go round in between. */
export async function inSlices<Item>(
  items: readonly Item[],
  act: (item: Item) => void | Promise<void>,
  slice = SLICE,
): Promise<void> {
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % slice === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    await act(item);
  }
}
