/** Entries of one kind in Redis, which bear the name of the node's present incarnation and end with its lease. */
export interface LeasedEntries {
  /** Writes them all under the present incarnation. */
  rewrite(): Promise<void>;
  /** Removes what a dead incarnation has under a topic. May be repeated, and done by several nodes at once. */
  bury(topic: string, incarnation: string): Promise<void>;
}
