import { Allowance } from './allowance.ts';

/** So much of it is as usual: what a client asks for that has just connected. */
export const MAX_ASKED_AT_ONCE = 50;

/** So much is as usual later on. */
const MAX_ASKED_PER_SECOND = 5;

/** Tells what one connection asks for as clients do from what it asks for beyond that. */
export class Burst extends Allowance {
  constructor(nowMs: number) {
    super(MAX_ASKED_AT_ONCE, MAX_ASKED_PER_SECOND, nowMs);
  }
}
