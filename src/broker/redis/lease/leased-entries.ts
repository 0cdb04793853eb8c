/** Entries in Redis that bear the name of the node's present incarnation. */
export interface LeasedEntries {
  /** Writes them all anew, after the incarnation has changed. */
  rewrite(): Promise<void>;
}
