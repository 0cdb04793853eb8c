import { styleText } from 'node:util';
import type { CliContext } from './context.ts';

type Style = 'green' | 'red' | 'yellow' | 'bold' | 'dim' | 'cyan';

/** Colours if somebody reads them on a terminal and has not said `NO_COLOR`. (no-color.org) */
export function painter(context: CliContext): (style: Style, text: string) => string {
  const colored = isColored(context);
  return (style, text) => (colored ? styleText(style, text) : text);
}

export function isColored({ isTerminal, env }: CliContext): boolean {
  return isTerminal && !env.NO_COLOR;
}

/**
 * Rows under their headings in columns on a terminal; elsewhere without headings and with tabs, as other programs want
 * them.
 */
export function printTable(
  context: CliContext,
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  if (!context.isTerminal) {
    for (const row of rows) context.print(row.join('\t'));
    return;
  }
  const paint = painter(context);
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ');
  context.print(paint('dim', line(headings)));
  for (const row of rows) context.print(line(row));
}
