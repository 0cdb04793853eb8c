import { type Attack, WRONG } from './attacks.ts';
import type { HonestFigures } from './honest.ts';
import type { LoopDelay } from './loop-delay.ts';

/** Of the server's event loop, which says what of the clients' wait is its doing, and of the clients' own. */
export interface Delays {
  readonly server: LoopDelay | undefined;
  readonly clients: LoopDelay;
}

export interface Outcome extends Attack {
  readonly survived: boolean;
  /** How the process ended, if it did. */
  readonly died: string | undefined;
  /** The most memory during the attack, beyond what there was before. */
  readonly grownMb: number;
  /** Of a core, over the attack. */
  readonly cpuShare: number;
  readonly calm: HonestFigures;
  readonly under: HonestFigures;
  readonly delaysCalm: Delays;
  readonly delays: Delays;
  readonly saw: string;
  /** What a SIGTERM led to afterwards. */
  readonly stop: string;
  readonly logMb: number;
  readonly redisGrownMb: number;
}

const MAX_GROWN_MB = 100;
const MAX_RATIO = 2;
/** A p99 below this is as good as none: at a millisecond, a ratio says more of the machine than of the server. */
const NOTICEABLE_MS = 5;

/** How many times as long honest clients wait under the attack, of what anybody could notice. */
export function ratioOf({ calm, under }: Pick<Outcome, 'calm' | 'under'>): number {
  return Math.max(under.p99Ms, NOTICEABLE_MS) / Math.max(calm.p99Ms, NOTICEABLE_MS);
}

/** What the server did not hold; undefined if it held all. */
export function verdictOf(outcome: Outcome): string | undefined {
  if (!outcome.survived) return outcome.died === undefined ? 'hangs' : `dead: ${outcome.died}`;
  const problems = [
    ...(outcome.isOfMemory === true && outcome.grownMb > MAX_GROWN_MB
      ? [`grew by ${Math.round(outcome.grownMb)} MB`]
      : []),
    ...(outcome.saw.startsWith(WRONG) ? [outcome.saw.slice(WRONG.length)] : []),
    ...(!outcome.isRedisAway && ratioOf(outcome) > MAX_RATIO
      ? [`p99 ${ms(outcome.calm.p99Ms)} to ${ms(outcome.under.p99Ms)}`]
      : []),
    ...(!outcome.isRedisAway && outcome.under.lost > 0 ? [`${outcome.under.lost} receipts lost`] : []),
    ...(outcome.stop.startsWith('exit code 0') ? [] : [`on SIGTERM: ${outcome.stop}`]),
  ];
  return problems.length === 0 ? undefined : problems.join(', ');
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** `p99, and the longest`. */
function loopText(delay: LoopDelay | undefined): string {
  return delay === undefined ? '' : `${ms(delay.p99Ms)}, ${ms(delay.maxMs)}`;
}

const COLUMNS = [
  ...['attack', 'outcome', 'memory', 'CPU', 'p99 calm', 'p99 under attack'],
  ...["server's loop calm", "server's loop", "clients' loop calm", "clients' loop", 'seen'],
];

/** A Markdown table, a row for each attack. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map((outcome) => [
    outcome.name,
    verdictOf(outcome) ?? 'held',
    Number.isFinite(outcome.grownMb) ? `+${Math.max(0, Math.round(outcome.grownMb))} MB` : '',
    Number.isFinite(outcome.cpuShare) ? `${Math.round(outcome.cpuShare * 100)} %` : '',
    ms(outcome.calm.p99Ms),
    outcome.isRedisAway === true ? '' : ms(outcome.under.p99Ms),
    loopText(outcome.delaysCalm.server),
    loopText(outcome.delays.server),
    loopText(outcome.delaysCalm.clients),
    loopText(outcome.delays.clients),
    [
      outcome.saw.startsWith(WRONG) ? '' : outcome.saw,
      ...(outcome.logMb >= 0.1 ? [`${outcome.logMb.toFixed(1)} MB of log`] : []),
      ...(Number.isFinite(outcome.redisGrownMb) ? [`${outcome.redisGrownMb.toFixed(1)} MB left in Redis`] : []),
    ]
      .filter((part) => part !== '')
      .join('; '),
  ]);
  return [COLUMNS, COLUMNS.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
