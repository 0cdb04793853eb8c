import { mock } from 'node:test';
import { pino } from 'pino';
import t from 'tap';
import { memoryState } from '../../../src/broker/memory/index.ts';
import { RETENTION } from '../../support/contract-cluster.ts';

t.test('a state that is closed leaves no timer behind', async (t) => {
  const begun = mock.method(globalThis, 'setInterval');
  const ended = mock.method(globalThis, 'clearInterval');
  t.teardown(() => mock.restoreAll());
  const { broker, roster } = memoryState(() => RETENTION, pino({ level: 'silent' }));
  await broker.start(
    () => undefined,
    () => undefined,
  );
  await roster.close();
  await broker.close();
  const timers = begun.mock.calls.map(({ result }) => result);
  const cleared = new Set(ended.mock.calls.map(({ arguments: [timer] }) => timer));
  t.ok(timers.length > 0, 'it has some');
  t.same(
    timers.filter((timer) => !cleared.has(timer)),
    [],
  );
});
