import type { Logger } from '../../core/contracts/logger.ts';
import { type WantsFact, wantsNothing } from '../../core/contracts/outbox.ts';
import type { Retention, SharedState } from '../../core/contracts/shared-state.ts';
import { MemoryBroker } from './memory-broker.ts';
import { MemoryOutbox } from './memory-outbox.ts';
import { MemoryQuotas } from './memory-quotas.ts';
import { MemoryRoster } from './memory-roster.ts';
import { MemorySessionStore } from './memory-session-store.ts';

/** The state of a single node, and the embedded default: nothing outlives the process. */
export function memoryState(
  { log, sessionSeconds, session }: Retention,
  logger: Logger,
  wants: WantsFact = wantsNothing,
): SharedState {
  const broker = new MemoryBroker(log);
  const outbox = new MemoryOutbox(wants, logger);
  return {
    broker,
    roster: new MemoryRoster(broker, outbox),
    quotas: new MemoryQuotas(),
    log: broker,
    outbox,
    sessionStore: new MemorySessionStore(sessionSeconds, session),
  };
}
