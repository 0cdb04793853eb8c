import type { Holdings } from './node.ts';
import type { Rest, SoakResult } from './soak.ts';

/** The engine compiles, and lets go of code that is old: so much may be otherwise without anything being lost. */
const HEAP_SHARE = 0.06;
const HEAP_BYTES = 2 * 1024 * 1024;
/** A connection that the last of them has only just closed, a timer of a second. */
const RESOURCES = 3;

const sum = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((total, count) => total + count, 0);
const mean = (values: readonly number[]) => values.reduce((total, value) => total + value, 0) / values.length;

/** What has grown though all have gone, a sentence each. The first wave is left out: it fills what is filled once. */
export function grown({ rests }: SoakResult): string[] {
  const [atFirst, ...waves] = rests;
  const last = waves.at(-1);
  if (atFirst === undefined || last === undefined) throw new RangeError('a soak needs a wave');
  return [...keysLeft(atFirst, last), ...last.nodes.flatMap((_, node) => ofNode(waves, node))];
}

function keysLeft(atFirst: Rest, last: Rest): string[] {
  return Object.entries(last.keys)
    .filter(([name, count]) => count > (atFirst.keys[name] ?? 0))
    .map(([name, count]) => `Redis: ${count} keys ${name}, where there were ${atFirst.keys[name] ?? 0}`);
}

function ofNode(waves: readonly Rest[], node: number): string[] {
  const of = <Value>(read: (holdings: Holdings) => Value): Value[] =>
    waves.flatMap(({ nodes }) => (nodes[node] === undefined ? [] : [read(nodes[node])]));
  const resources = of((holdings) => sum(holdings.resources));
  const heaps = of(({ heapBytes, externalBytes }) => heapBytes + externalBytes);
  const third = Math.max(1, Math.floor(waves.length / 3));
  const [early, late] = [mean(heaps.slice(0, third)), mean(heaps.slice(-third))];
  const problems: string[] = [];
  if ((resources.at(-1) ?? 0) > (resources[0] ?? 0) + RESOURCES)
    problems.push(`node ${node}: ${resources.at(-1)} handles and timers, where there were ${resources[0]}`);
  if (late > early * (1 + HEAP_SHARE) + HEAP_BYTES)
    problems.push(`node ${node}: ${Math.round(late / 1024)} KB of heap, where there were ${Math.round(early / 1024)}`);
  return problems;
}
