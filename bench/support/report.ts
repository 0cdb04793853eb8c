import type { LoadResult } from './load/load-run.ts';
import type { ContestantName, Scenario, Target } from './scenarios.ts';

/** One scenario of one contestant in one round. */
export interface Measurement {
  readonly round: number;
  readonly contestant: ContestantName;
  readonly scenario: Scenario['name'];
  readonly result: LoadResult;
}

export interface Figure {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface ContestantReport {
  readonly contestant: ContestantName;
  readonly cpuMicroseconds: Figure;
  readonly eventsPerSecond: Figure;
  /** Deliveries that arrived in one read, on average: more than 1 if the server writes several frames at once. */
  readonly deliveriesPerRead: Figure;
  /** Connections to the HTTP API in all rounds: about as many as triggers if the server does not keep them alive. */
  readonly apiConnections: number;
}

export interface RatioReport {
  readonly of: ContestantName;
  readonly to: ContestantName;
  /** Over the ratios of each round, so that drift of the machine cancels out. */
  readonly ratio: Figure;
  readonly target: Target | undefined;
  readonly isReached: boolean | undefined;
}

export interface ScenarioReport {
  readonly name: Scenario['name'];
  readonly title: string;
  readonly unit: Scenario['unit'];
  readonly events: number;
  readonly contestants: readonly ContestantReport[];
  readonly ratios: readonly RatioReport[];
}

const COMPARISONS = [
  ['fanfare', 'bare'],
  ['soketi', 'fanfare'],
  ['fanfare', 'soketi'],
  ['soketi', 'bare'],
] as const;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  const lower = sorted[sorted.length % 2 === 1 ? middle : middle - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('a median of nothing');
  return (lower + upper) / 2;
}

export function figure(values: readonly number[]): Figure {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

export function reportScenario(scenario: Scenario, measurements: readonly Measurement[]): ScenarioReport {
  const own = measurements.filter((measurement) => measurement.scenario === scenario.name);
  const names = [...new Set(own.map((measurement) => measurement.contestant))];
  const of = (name: ContestantName): LoadResult[] =>
    own.filter((measurement) => measurement.contestant === name).map((measurement) => measurement.result);
  const cost = (result: LoadResult): number =>
    result.serverCpuMicroseconds / (scenario.unit === 'delivery' ? result.deliveries : result.events);
  return {
    name: scenario.name,
    title: scenario.title,
    unit: scenario.unit,
    events: scenario.load.events,
    contestants: names.map((contestant) => ({
      contestant,
      cpuMicroseconds: figure(of(contestant).map(cost)),
      eventsPerSecond: figure(of(contestant).map((result) => (result.events * 1000) / result.wallMilliseconds)),
      deliveriesPerRead: figure(of(contestant).map((result) => result.deliveries / result.reads)),
      apiConnections: of(contestant).reduce((sum, result) => sum + result.apiConnections, 0),
    })),
    ratios: COMPARISONS.filter(([a, b]) => names.includes(a) && names.includes(b)).flatMap(([a, b]) => {
      const target = scenario.targets.find((candidate) => candidate.of === a && candidate.to === b);
      const theirs = of(b).map(cost);
      const ratio = figure(of(a).map((result, index) => cost(result) / (theirs[index] ?? Number.NaN)));
      if (target === undefined && a === 'fanfare' && b === 'soketi' && scenario.unit === 'delivery') return [];
      return [{ of: a, to: b, ratio, target, isReached: target && isReached(target, ratio.median) }];
    }),
  };
}

function isReached({ comparison, bound }: Target, ratio: number): boolean {
  return comparison === 'at most' ? ratio <= bound : ratio >= bound;
}

/** The table of one scenario as text. `missing` says why a contestant was not run. */
export function formatScenario(report: ScenarioReport, missing: ReadonlyMap<ContestantName, string>): string {
  const lines = [
    report.title,
    row('', `CPU per ${report.unit}`, 'least - most', 'triggers per second, frames per read'),
  ];
  for (const { contestant, cpuMicroseconds, eventsPerSecond, deliveriesPerRead } of report.contestants) {
    const { median: middle, least, most } = cpuMicroseconds;
    const rate = eventsPerSecond.median.toFixed(0).padStart(19);
    const notes = `${rate}  ${deliveriesPerRead.median.toFixed(1).padStart(15)}`;
    lines.push(row(contestant, `${middle.toFixed(2)} us`, `${least.toFixed(2)} - ${most.toFixed(2)}`, notes));
  }
  for (const [contestant, reason] of missing) lines.push(`  ${contestant.padEnd(18)} not run: ${reason}`);
  for (const { of, to, ratio, target, isReached: reached } of report.ratios) {
    const verdict =
      target === undefined
        ? ''
        : `target: ${target.comparison} ${target.bound.toFixed(2)}, ${reached ? 'reached' : 'MISSED'}`;
    const spread = `${ratio.least.toFixed(2)} - ${ratio.most.toFixed(2)}`;
    lines.push(row(`${of} / ${to}`, ratio.median.toFixed(2), spread, verdict).trimEnd());
  }
  return lines.join('\n');
}

function row(name: string, value: string, spread: string, note: string): string {
  return `  ${name.padEnd(18)}${value.padStart(18)}${spread.padStart(18)}   ${note}`;
}
