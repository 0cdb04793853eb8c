import t from 'tap';
import { judge } from '../../bench/chaos/ledger.ts';
import { type Outcome, problemsOf, tableOf } from '../../bench/faults/table.ts';

const OUTCOME: Outcome = {
  ...judge([], new Map()),
  name: 'apart',
  what: 'node 1 and Redis apart',
  seconds: 4,
  accepted: 80,
  refused: { 0: 2, 503: 4 },
  reconnects: 0,
  refusedAndLate: 0,
  secondsUntilNormal: 0.84,
  wrongPresence: [],
};

t.test('a fault over hosts: its row, and what must not be', async (t) => {
  const skipped = { name: 'clock', what: 'a clock jumps', skipped: 'no libfaketime' };
  t.same(problemsOf([OUTCOME, skipped]), []);
  const table = tableOf([OUTCOME, skipped]);
  t.match(
    table,
    '| node 1 and Redis apart | 4 s | 80 | 2 without an answer, 4 × 503 | 0 | 0 | 0 | 0 | 0 | right | 0.8 s |',
  );
  t.match(table, '| a clock jumps | not run: no libfaketime |');
  t.match(problemsOf([{ ...OUTCOME, missed: ['client 1 on a: 5'] }]), [/^apart: an acknowledged event was lost/]);
  t.match(problemsOf([{ ...OUTCOME, outOfOrder: ['5 after 6'] }]), [/out of order: 5 after 6/]);
  t.match(problemsOf([{ ...OUTCOME, duplicatesOfHelped: 2 }]), [/saw 2 twice/]);
  t.match(problemsOf([{ ...OUTCOME, wrongPresence: ['node1 lists a'] }]), [/node1 lists a/]);
  t.match(problemsOf([{ ...OUTCOME, secondsUntilNormal: undefined }]), [/did not become normal/]);
});
