import type { TailEntry } from './types.ts';

/** An event in the tail: what several nodes have said of it, in one line. */
export interface Row extends TailEntry {
  readonly key: number;
  /** Who has said what, so that the same event once more is a line of its own. */
  readonly said: readonly string[];
  readonly nodes: readonly string[];
}

const MAX_ROWS = 300;
/** What is said of one event comes within this time. */
const MERGE_MS = 3000;
let nextKey = 0;

/** The rows with a batch's entries in front, newest first. */
export function addBatch(rows: readonly Row[], entries: readonly TailEntry[]): readonly Row[] {
  let next = [...rows];
  for (const entry of entries) {
    const saying = `${entry.node} ${entry.stage}`;
    const at = next.findIndex(
      (row) => row.id === entry.id && entry.atMs - row.atMs < MERGE_MS && !row.said.includes(saying),
    );
    const row = next[at];
    if (row === undefined) {
      nextKey += 1;
      next = [{ ...entry, key: nextKey, said: [saying], nodes: [entry.node] }, ...next];
      continue;
    }
    next[at] = {
      ...row,
      receivers: row.receivers + entry.receivers,
      said: [...row.said, saying],
      nodes: row.nodes.includes(entry.node) ? row.nodes : [...row.nodes, entry.node],
    };
  }
  return next.slice(0, MAX_ROWS);
}
