import type { LoadJob, LoadResult } from '../support/load/load-run.ts';
import { type Figure, figure } from '../support/report.ts';
import { type DeploymentKind, labelOf, type ServerName } from './deployment.ts';
import { PIPELINED, type PublishCost } from './publish-cost.ts';

export interface ReplicaScenario {
  readonly name: 'triggers-cold' | 'fan-out' | 'fan-out-single' | 'hop' | 'triggers';
  readonly title: string;
  readonly load: Pick<LoadJob, 'channel' | 'subscribers' | 'publishers' | 'isPaced' | 'warmUpEvents' | 'events'>;
  /** Measured before anything else was asked of the nodes. */
  readonly isCold?: boolean;
  /** A delivery's CPU on the far node is to be at most so much of one node's alone. */
  readonly maxDeliveryRatio: number | undefined;
}

export interface ReplicaMeasurement {
  readonly round: number;
  readonly kind: DeploymentKind;
  readonly scenario: ReplicaScenario['name'];
  readonly result: LoadResult;
}

export interface Ratio {
  readonly name: string;
  readonly unit: '' | 'ms';
  readonly figure: Figure;
  readonly bound: number | undefined;
}

export interface ReplicaReport {
  readonly title: string;
  readonly rows: readonly { readonly name: string; readonly cells: readonly (Figure | undefined)[] }[];
  readonly ratios: readonly Ratio[];
}

type Read = (result: LoadResult) => number | undefined;

const perDelivery: Read = (result) => result.serverCpuMicroseconds / result.deliveries;
const nodesPerTrigger: Read = (result) =>
  (result.serverCpuMicroseconds + (result.otherCpuMicroseconds[0] ?? 0)) / result.events;

const COLUMNS: readonly { readonly heading: string; readonly digits: number; readonly read: Read }[] = [
  { heading: 'far us/delivery', digits: 2, read: perDelivery },
  { heading: 'far us/trigger', digits: 0, read: (result) => result.serverCpuMicroseconds / result.events },
  { heading: 'near us/trigger', digits: 0, read: (result) => perEvent(result, 0) },
  { heading: 'Redis us/trigger', digits: 0, read: (result) => perEvent(result, 1) },
  { heading: 'triggers/s', digits: 0, read: (result) => (result.events * 1000) / result.wallMilliseconds },
  { heading: 'frames/read', digits: 1, read: (result) => result.deliveries / result.reads },
  { heading: 'half p50 ms', digits: 2, read: ({ latency }) => latency?.half.p50 },
  { heading: 'half p99 ms', digits: 2, read: ({ latency }) => latency?.half.p99 },
  { heading: 'last p50 ms', digits: 2, read: ({ latency }) => latency?.last.p50 },
  { heading: 'last p99 ms', digits: 2, read: ({ latency }) => latency?.last.p99 },
];

function perEvent(result: LoadResult, other: number): number | undefined {
  const used = result.otherCpuMicroseconds[other];
  return used === undefined ? undefined : used / result.events;
}

export function reportReplicas(
  scenario: ReplicaScenario,
  kinds: readonly DeploymentKind[],
  measurements: readonly ReplicaMeasurement[],
): ReplicaReport {
  const own = measurements.filter((measurement) => measurement.scenario === scenario.name);
  const read = ({ server, nodes }: DeploymentKind, value: Read): (number | undefined)[] =>
    own.filter(({ kind }) => kind.server === server && kind.nodes === nodes).map(({ result }) => value(result));
  const isThere = (server: ServerName): boolean => kinds.some((kind) => kind.server === server);
  /** Of each round, so that drift of the machine cancels out. */
  const compare = (
    [of, to]: readonly [DeploymentKind, DeploymentKind],
    value: Read,
    how: (a: number, b: number) => number,
  ): Figure | undefined => {
    const theirs = read(to, value);
    return figureOf(read(of, value).map((own, index) => pair(own, theirs[index], how)));
  };
  const ratios: Ratio[] = [];
  const add = (name: string, unit: Ratio['unit'], compared: Figure | undefined, bound?: number): void => {
    if (compared !== undefined) ratios.push({ name, unit, figure: compared, bound });
  };
  for (const server of ['fanfare', 'soketi'] as const) {
    if (!isThere(server)) continue;
    const both = [
      { server, nodes: 2 },
      { server, nodes: 1 },
    ] as const;
    const bound = server === 'fanfare' ? scenario.maxDeliveryRatio : undefined;
    if (scenario.load.subscribers > 1) {
      add(`${server}: CPU of a delivery, far node / one node`, '', compare(both, perDelivery, ratio), bound);
    } else {
      add(`${server}: CPU of a trigger, both nodes / one node`, '', compare(both, nodesPerTrigger, ratio));
      const rate: Read = (result) => result.events / result.wallMilliseconds;
      if (!scenario.load.isPaced) add(`${server}: triggers/s, two / one`, '', compare(both, rate, ratio));
    }
    for (const { heading, read: value } of COLUMNS.filter(({ heading }) => heading.endsWith(' ms'))) {
      // Half of one subscriber is that one.
      if (scenario.load.subscribers === 1 && heading.startsWith('half')) continue;
      add(`${server}: added by Redis, ${heading.slice(0, -3)}`, 'ms', compare(both, value, difference));
    }
  }
  if (isThere('fanfare') && isThere('soketi')) {
    const both = [
      { server: 'soketi', nodes: 2 },
      { server: 'fanfare', nodes: 2 },
    ] as const;
    const value = scenario.load.subscribers > 1 ? perDelivery : nodesPerTrigger;
    const unit = scenario.load.subscribers > 1 ? 'a delivery, far nodes' : 'a trigger, both nodes';
    add(`soketi / fanfare over Redis: CPU of ${unit}`, '', compare(both, value, ratio));
    add(
      `soketi / fanfare over Redis: CPU of Redis`,
      '',
      compare(both, (result) => perEvent(result, 1), ratio),
    );
    if (scenario.load.isPaced) {
      const lastP50: Read = ({ latency }) => latency?.last.p50;
      add('soketi / fanfare over Redis: last p50', '', compare(both, lastP50, ratio));
    }
  }
  const rows = kinds.map((kind) => ({
    name: labelOf(kind),
    cells: COLUMNS.map(({ read: value }) => figureOf(read(kind, value))),
  }));
  return { title: scenario.title, rows, ratios };
}

function figureOf(values: readonly (number | undefined)[]): Figure | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : figure(known);
}

function pair(a: number | undefined, b: number | undefined, how: (a: number, b: number) => number): number | undefined {
  return a === undefined || b === undefined ? undefined : how(a, b);
}

const ratio = (a: number, b: number): number => a / b;
const difference = (a: number, b: number): number => a - b;

export function isMissed({ bound, figure: { median } }: Ratio): boolean {
  return bound !== undefined && median > bound;
}

export function formatReplicas({ title, rows, ratios }: ReplicaReport): string {
  const cell = (text: string): string => text.padStart(18);
  const lines = [title, `  ${''.padEnd(30)}${COLUMNS.map(({ heading }) => cell(heading)).join('')}`];
  for (const { name, cells } of rows) {
    const texts = cells.map((value, index) => value?.median.toFixed(COLUMNS[index]?.digits) ?? '-');
    lines.push(`  ${name.padEnd(30)}${texts.map(cell).join('')}`);
  }
  for (const item of ratios) {
    const { median, least, most } = item.figure;
    const target =
      item.bound === undefined ? '' : `   target: at most ${item.bound}, ${isMissed(item) ? 'MISSED' : 'reached'}`;
    const spread = `${least.toFixed(2)} - ${most.toFixed(2)}`;
    lines.push(`  ${item.name.padEnd(60)}${`${median.toFixed(2)} ${item.unit}`.padStart(10)}   (${spread})${target}`);
  }
  return lines.join('\n');
}

export function formatPublishCosts(costs: readonly PublishCost[]): string {
  const lines = ['CPU of redis-server for one publish to one listener, no node taking part (least - most)'];
  for (const { name, cpuMicroseconds } of costs) {
    const cells = cpuMicroseconds.map(
      ({ median, least, most }, index) =>
        `${PIPELINED[index]} together: ${median.toFixed(1)} us (${least.toFixed(1)} - ${most.toFixed(1)})`,
    );
    lines.push(`  ${name.padEnd(32)}${cells.map((text) => text.padEnd(40)).join('')}`.trimEnd());
  }
  return lines.join('\n');
}
