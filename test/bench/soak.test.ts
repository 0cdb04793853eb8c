import t from 'tap';
import type { Holdings } from '../../bench/soak/node.ts';
import { type Rest, Soak, type SoakResult } from '../../bench/soak/soak.ts';
import { grown } from '../../bench/soak/verdict.ts';

const NOTHING = { connections: 0, subscriptions: 0, clientEvents: 0, received: 0, triggers: 0, refused: 0 };

function resultOf(rests: readonly Rest[]): SoakResult {
  return { ...NOTHING, reloads: 0, hangs: 0, rests };
}

function restOf(heapMb: number, timers = 3, keys: Record<string, number> = { leases: 1 }): Rest {
  const heapBytes = heapMb * 1024 * 1024;
  const node: Holdings = { heapBytes, externalBytes: 0, residentBytes: 1, resources: { Timeout: timers } };
  return { nodes: [node], keys };
}

t.test('what grows is found', async (t) => {
  const start = restOf(10);
  t.same(
    grown(resultOf([start, restOf(20), restOf(21), restOf(20.5), restOf(21)])),
    [],
    'the first wave fills what it fills',
  );
  t.match(grown(resultOf([start, restOf(20), restOf(25), restOf(30), restOf(35)])), [/^node 0: 35840 KB of heap/]);
  t.match(grown(resultOf([start, restOf(20, 5), restOf(20, 50)])), [/^node 0: 50 handles and timers/]);
  const keys = { leases: 1, counts: 2 };
  t.same(grown(resultOf([start, restOf(20, 3, keys)])), ['Redis: 2 keys counts, where there were 0']);
});

/** `npm run soak` in its short form. */
t.test('clients come and go, and nothing is left', async (t) => {
  t.setTimeout(180_000);
  const log = (line: string) => t.comment(line);
  const result = await new Soak({ waves: 1, secondsOfWave: 5, clients: 30, nodes: 2, log }).run();
  t.same(grown(result), []);
  t.ok(result.connections > 10 && result.subscriptions > 10 && result.triggers > 10 && result.reloads > 0);
  t.equal(result.hangs, 1);
  const [first, last] = [result.rests[0], result.rests.at(-1)];
  t.same(last?.keys, first?.keys, 'keys in Redis');
});
