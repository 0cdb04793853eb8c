import { LoopTurns } from './loop-turns.ts';
import { SpareTurns } from './spare-turns.ts';

/** Messages of clients, and other work by that measure: in one turn of the event loop, half a millisecond or so. */
const MAX_BEGUN_PER_TURN = 10;

/**
 * One measure for whatever connections have this node do: what they ask for, what they leave behind, what is kept of
 * them. So nobody waits behind much of it, of whatever kind it is.
 */
export const NODE_TURNS = new LoopTurns(MAX_BEGUN_PER_TURN);

/** For what one connection asks for, or leaves behind, beyond what clients do: nobody else waits for that. */
export const SPARE_TURNS = new SpareTurns();
