/** Counts how often the event loop goes round while something runs. */
export async function turnsOf(act: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const turn = () => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  try {
    await act();
  } finally {
    isOver = true;
  }
  return turns;
}
