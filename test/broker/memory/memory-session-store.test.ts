import t from 'tap';
import { MemorySessionStore } from '../../../src/broker/memory/memory-session-store.ts';
import { createMetrics } from '../../../src/core/contracts/metrics.ts';
import { SESSION_BOUNDS, sessionOwner } from '../../support/session-bounds.ts';

t.test('an app with very many sessions makes room of its own, and takes none of others', async (t) => {
  const metrics = createMetrics();
  const retention = { sessionSeconds: 60, session: SESSION_BOUNDS };
  const store = new MemorySessionStore(() => retention, { maxSessions: 10, metrics });
  const saved = { socketIds: ['1.1'], channels: new Map([['c', { epoch: 'e', offset: 1 }]]) };
  for (const name of ['one', 'two']) t.equal(await store.save(sessionOwner('quiet', name, '1.1'), saved), true);
  for (let n = 0; n < 30; n += 1) await store.save(sessionOwner('loud', `s${n}`, '1.1'), saved);
  t.equal(metrics.bounds.find(({ name }) => name === 'sessions')?.held(), 10);
  t.equal(metrics.refused.get('sessions'), 22);
  for (const [app, name, isThere] of [
    ['quiet', 'one', true],
    ['quiet', 'two', true],
    ['loud', 's0', false],
    ['loud', 's29', true],
  ] as const) {
    t.equal((await store.claim(sessionOwner(app, name, '2.2'))).saved !== undefined, isThere, `${app} ${name}`);
  }
});
