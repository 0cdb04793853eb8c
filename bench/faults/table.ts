import type { Verdict } from '../chaos/ledger.ts';

export interface Outcome extends Verdict {
  readonly name: string;
  readonly what: string;
  readonly seconds: number;
  readonly accepted: number;
  /** Triggers that were answered otherwise than with 200, by status; 0 stands for no answer. */
  readonly refused: Readonly<Record<number, number>>;
  readonly reconnects: number;
  /** Deliveries of events that were refused or unanswered, after ones that were triggered later. */
  readonly refusedAndLate: number;
  /** From the end of the fault; undefined if it did not become normal within the time that it was given. */
  readonly secondsUntilNormal: number | undefined;
  /** Lists of members, as a node or a client has them, that are not the truth. */
  readonly wrongPresence: readonly string[];
}

/** A scenario that could not be run, and why. */
export interface Skipped {
  readonly name: string;
  readonly what: string;
  readonly skipped: string;
}

export type Row = Outcome | Skipped;

const HEADINGS = [
  'fault',
  'lasts',
  'accepted',
  'not accepted',
  'missed',
  'told as gap',
  'twice',
  'out of order',
  'refused, came late',
  'presence',
  'normal after',
];

/** A Markdown table. */
export function tableOf(rows: readonly Row[]): string {
  const cells = [HEADINGS, HEADINGS.map(() => '---'), ...rows.map(cellsOf)];
  return cells.map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function cellsOf(row: Row): string[] {
  if ('skipped' in row) return [row.what, `not run: ${row.skipped}`, ...HEADINGS.slice(2).map(() => '')];
  return [
    row.what,
    `${row.seconds} s`,
    String(row.accepted),
    refusedText(row.refused),
    String(row.missed.length),
    String(row.missedInAnnouncedGaps),
    String(row.duplicatesOfHelped),
    String(row.outOfOrder.length),
    String(row.refusedAndLate),
    row.wrongPresence.length === 0 ? 'right' : 'WRONG',
    row.secondsUntilNormal === undefined ? 'NEVER' : `${row.secondsUntilNormal.toFixed(1)} s`,
  ];
}

function refusedText(refused: Readonly<Record<number, number>>): string {
  const parts = Object.entries(refused).map(([status, count]) =>
    Number(status) === 0 ? `${count} without an answer` : `${count} × ${status}`,
  );
  return parts.length === 0 ? '0' : parts.join(', ');
}

/** What must not be, a sentence for each. */
export function problemsOf(rows: readonly Row[]): string[] {
  return rows.flatMap((row) => {
    if ('skipped' in row) return [];
    const problems = [
      ...row.missed.map((what) => `an acknowledged event was lost in silence: ${what}`),
      ...row.outOfOrder.map((what) => `out of order: ${what}`),
      ...row.wrongPresence,
    ];
    if (row.duplicatesOfHelped > 0) problems.push(`clients with fanfare/client saw ${row.duplicatesOfHelped} twice`);
    if (row.secondsUntilNormal === undefined) problems.push('it did not become normal again');
    return problems.map((problem) => `${row.name}: ${problem}`);
  });
}
