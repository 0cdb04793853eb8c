import t from 'tap';
import { type Line, messageLine } from '../../../src/transport/xhr/lines.ts';
import { LineBudget, WaitingLines } from '../../../src/transport/xhr/waiting-lines.ts';

const KB = 1024;
const budgetOf = (maxBufferedBytes: number, maxSessionBytes: number) =>
  new LineBudget(() => ({ maxBufferedBytes, maxSessionBytes }));
const line = (bytes: number): Line => messageLine('x'.repeat(bytes));

t.test('lines come out in the order in which they went in', async (t) => {
  const waiting = new WaitingLines(budgetOf(1024 * KB, 1024 * KB));
  const lines = Array.from({ length: 3000 }, () => line(1));
  for (const one of lines) t.ok(waiting.add(one));
  for (const one of lines) if (waiting.shift() !== one) t.fail('out of order');
  t.equal(waiting.shift(), undefined);
  t.ok(waiting.isEmpty);
  t.equal(waiting.bytes, 0);
});

t.test('one session: what waits beyond its limit is refused, one line however large is not', async (t) => {
  const waiting = new WaitingLines(budgetOf(10_000 * KB, 64 * KB));
  t.ok(waiting.add(line(200 * KB)), 'the first');
  t.notOk(waiting.add(line(1)), 'anything behind it');
  waiting.shift();
  t.ok(waiting.add(line(1)));
});

t.test('all sessions: a line is held once however many it waits in, and given back by the last', async (t) => {
  const budget = budgetOf(1000 * KB, 1000 * KB);
  const sessions = Array.from({ length: 50 }, () => new WaitingLines(budget));
  const shared = line(100 * KB);
  for (const session of sessions) t.ok(session.add(shared));
  t.ok(budget.heldBytes < 102 * KB, `${budget.heldBytes} bytes for ${sessions.length} sessions`);
  for (const session of sessions.slice(1)) session.clear();
  t.ok(budget.heldBytes > 100 * KB, 'one still has it');
  sessions[0]?.clear();
  t.equal(budget.heldBytes, 0);
});

t.test('all sessions: many that hoard never hold more than there is, and leave room for others', async (t) => {
  const budget = budgetOf(1000 * KB, 1000 * KB);
  const hoarders = Array.from({ length: 200 }, () => new WaitingLines(budget));
  for (let round = 0; round < 50; round += 1) for (const hoarder of hoarders) hoarder.add(line(KB));
  t.ok(budget.heldBytes <= 1000 * KB, `${budget.heldBytes} bytes`);
  const other = new WaitingLines(budget);
  for (let i = 0; i < 3; i += 1) t.ok(other.add(line(100)), 'a session with little to wait for');
});
