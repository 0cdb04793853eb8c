import { setTimeout as pause } from 'node:timers/promises';
import { BrokerUnavailable } from '../../../src/core/contracts/broker.ts';

/**
 * As the server does: what cannot be done while Redis is away, or seems to be on a machine that is slow for a while, is
 * tried again. A leave is carried out in any case.
 */
export async function reachable(act: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await act();
      return;
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) throw error;
      await pause(50);
    }
  }
}
