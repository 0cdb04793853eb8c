import { Allowance } from './allowance.ts';

/** A client that has been there for a while asks for less at once than one that has just come. */
const ASKED_PER_SECOND_OF_BURST = 0.1;

/** Tells what one connection asks for as clients do from what it asks for beyond that. */
export class Burst extends Allowance {
  /** @param atOnce what a client asks for that has just connected; 0: no limit */
  constructor(atOnce: number, nowMs: number) {
    super(atOnce === 0 ? Number.POSITIVE_INFINITY : atOnce, atOnce * ASKED_PER_SECOND_OF_BURST, nowMs);
  }
}
