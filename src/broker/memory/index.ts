import type { Retention, SharedState } from '../../core/contracts/shared-state.ts';
import { MemoryBroker } from './memory-broker.ts';
import { MemoryQuotas } from './memory-quotas.ts';
import { MemoryRoster } from './memory-roster.ts';
import { MemorySessionStore } from './memory-session-store.ts';

/** The state of a single node, and the embedded default: nothing outlives the process. */
export function memoryState({ log, sessionSeconds }: Retention): SharedState {
  const broker = new MemoryBroker(log);
  return {
    broker,
    roster: new MemoryRoster(broker),
    quotas: new MemoryQuotas(),
    log: broker,
    sessionStore: new MemorySessionStore(sessionSeconds),
  };
}
