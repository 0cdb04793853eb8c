/** What a delivery and an idle session cost over HTTP, beside WebSockets and bare chunked responses. */
import { resolve } from 'node:path';
import { CLI_OPTION, JSON_OPTION, machineText, runCommand, type Values, writeResults } from '../support/command.ts';
import type { Figure } from '../support/report.ts';
import { type DeliveryReport, measureDeliveries } from './deliveries.ts';
import { type IdleReport, measureIdle } from './idle.ts';

const OPTIONS = {
  rounds: { what: 'rounds of all servers', count: 3, quick: 1, most: 100 },
  subscribers: { what: 'subscribers of the fan-out', count: 1000, quick: 100, most: 1900 },
  events: {
    what: 'measured events of the fan-out in a round; one at a time, half of it',
    count: 600,
    quick: 120,
    most: 100_000,
  },
  sessions: { what: 'idle sessions; 0 leaves them out', count: 10_000, quick: 500, least: 0, most: 100_000 },
  seconds: { what: 'for which they are watched: a poll lasts 25', count: 25, quick: 5, most: 600 },
  cli: CLI_OPTION,
  json: JSON_OPTION,
} as const;

const range = ({ median, least, most }: Figure, digits = 2): string =>
  `${median.toFixed(digits)} (${least.toFixed(digits)} - ${most.toFixed(digits)})`;

function formatDeliveries({ title, rows, ratios }: DeliveryReport): string {
  const lines = rows.map(
    ({ name, cpuMicroseconds, perRead }) =>
      `  ${name.padEnd(24)}${`${range(cpuMicroseconds)} us`.padStart(26)}${perRead.median.toFixed(1).padStart(10)} per read`,
  );
  const ratioLines = ratios.map(({ to, ratio }) => `  streaming / ${to.padEnd(24)} ${range(ratio)}`);
  return [`CPU of a delivery, ${title}`, ...lines, ...ratioLines].join('\n');
}

function formatIdle(reports: readonly IdleReport[]): string {
  return reports
    .map(
      ({ name, kilobytesPerSession, cpuPercent, seconds }) =>
        `  ${name.padEnd(24)}${kilobytesPerSession.toFixed(1).padStart(8)} kB each` +
        `${cpuPercent.toFixed(1).padStart(8)} % of a CPU over ${seconds} s`,
    )
    .join('\n');
}

async function main(options: Values<typeof OPTIONS>): Promise<number> {
  const { rounds, subscribers, events, sessions, seconds, cli, json } = options;
  const deliveries = await measureDeliveries(
    { rounds, subscribers, events },
    cli === undefined ? undefined : resolve(cli),
  );
  const idle = sessions === 0 ? [] : await measureIdle(sessions, seconds);
  const counted = deliveries.reduce((sum, report) => sum + report.deliveries, 0);
  process.stdout.write(
    `\n${machineText()}; ${subscribers} subscribers of one channel, frames of 250 bytes, ${rounds} rounds: medians, ` +
      `the least and the most.\n\n${deliveries.map(formatDeliveries).join('\n\n')}\n\n` +
      `Every delivery was there, once, in order, on its channel and unaltered: ${counted}.\n`,
  );
  if (idle.length > 0) process.stdout.write(`\n${sessions} idle sessions of one channel\n${formatIdle(idle)}\n`);
  writeResults(json, { sizes: { rounds, subscribers, events, sessions, seconds }, deliveries, idle });
  return 0;
}

await runCommand(
  'npm run bench:fallback -- [options]: HTTP streaming beside WebSockets and bare chunked responses.',
  OPTIONS,
  main,
);
