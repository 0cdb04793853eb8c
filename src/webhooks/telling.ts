import type { Fact } from '../core/contracts/outbox.ts';

/** A fact that is this node's to tell, until every endpoint has been told or given up. */
export interface Telling {
  /** Another object, with the same id, if the outbox has given the fact again. */
  fact: Fact;
  /** Endpoints that have still to be told. */
  open: number;
}
