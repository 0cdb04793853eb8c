import { pino } from 'pino';
import t from 'tap';
import { History } from '../../src/admin/history.ts';
import { memoryState } from '../../src/broker/memory/index.ts';
import { createMetrics } from '../../src/core/contracts/metrics.ts';
import { RETENTION } from '../support/contract-cluster.ts';

const throwing = (code: string) => () => {
  throw Object.assign(new Error(`${code}: uv_resident_set_memory`), { code });
};

t.test('without a file descriptor to ask for the memory, a sample has what it was', async (t) => {
  const state = memoryState(() => RETENTION, pino({ level: 'silent' }));
  t.teardown(() => state.broker.close());
  const history = new History(createMetrics(), state.broker);
  await history.sample();
  const before = history.last?.memoryBytes ?? 0;
  t.ok(before > 0);
  const asked = t.intercept(process.memoryUsage, 'rss', { value: throwing('EMFILE') });
  await history.sample();
  t.equal(history.samples.length, 2);
  t.equal(history.last?.memoryBytes, before);
  asked.restore();
  t.intercept(process.memoryUsage, 'rss', { value: throwing('EACCES') });
  await t.rejects(history.sample(), { code: 'EACCES' });
});
