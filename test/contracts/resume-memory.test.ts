import t from 'tap';
import { MemoryBroker } from '../../src/broker/memory/memory-broker.ts';
import { MemorySessionStore } from '../../src/broker/memory/memory-session-store.ts';
import { SESSION_RETENTION, sessionOwner } from '../support/session-bounds.ts';
import { channelLogContract } from './channel-log-contract.ts';
import { sessionStoreContract } from './session-store-contract.ts';

await t.test('the memory log', (t) =>
  channelLogContract(t, async (bounds) => {
    const broker = new MemoryBroker(() => bounds);
    return [{ broker, log: broker, history: broker, close: () => broker.close() }];
  }),
);

await t.test('the memory session store', (t) =>
  sessionStoreContract(t, async (_, sessionSeconds, session) => {
    const store = new MemorySessionStore(() => ({ sessionSeconds, session }));
    return [store, store];
  }),
);

await t.test('the memory session store is bounded: the longest unsaved makes room', async (t) => {
  const store = new MemorySessionStore(() => SESSION_RETENTION, { maxSessions: 2 });
  const saved = { socketIds: [], channels: new Map() };
  for (const session of ['a', 'b', 'a', 'c']) await store.save(sessionOwner('app', session, '1.1'), saved);
  t.equal((await store.claim(sessionOwner('app', 'b', '2.2'))).saved, undefined);
  t.same((await store.claim(sessionOwner('app', 'c', '2.2'))).saved, saved);
});
