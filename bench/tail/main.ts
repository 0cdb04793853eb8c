/** What it costs a server that an operator watches its events in the console. */
import { resolve } from 'node:path';
import { freePort } from '../../test/support/free-port.ts';
import { APP, fanfare } from '../peers/contestants.ts';
import { CLI_OPTION, JSON_OPTION, machineText, runCommand, type Values, writeResults } from '../support/command.ts';
import type { LoadJob } from '../support/load/load-run.ts';
import { runLoadProcess } from '../support/load-process.ts';
import { type Figure, figure } from '../support/report.ts';
import { warmUp } from '../support/scenarios.ts';
import { ServerProcess } from '../support/server-process.ts';

const OPTIONS = {
  rounds: { what: 'rounds, each with a server that is watched and one that is not', count: 5, quick: 2, most: 100 },
  subscribers: { what: 'subscribers of the one channel', count: 100, quick: 100, most: 1900 },
  publishers: { what: 'triggers under way at once', count: 16, quick: 16, most: 100 },
  events: {
    what: 'measured events of a round; few make the first lines of the tail weigh much',
    count: 40_000,
    quick: 10_000,
    most: 1_000_000,
  },
  cli: CLI_OPTION,
  json: JSON_OPTION,
} as const;

/** The target that the project has set itself: a delivery with the tail open, to one with it closed. */
const MOST = 1.1;
const STALL_SECONDS = 10;
const SLICES = 6;

/** Watches all events of a server as the console does, until it is ended; `shown` counts what came. */
async function openTail(adminPort: number): Promise<{ shown(): number; close(): Promise<void> }> {
  const ending = new AbortController();
  const response = await fetch(`http://127.0.0.1:${adminPort}/api/tail?app=${APP.id}`, { signal: ending.signal });
  if (!response.ok || response.body === null) throw new Error(`The tail answered ${response.status}`);
  let shown = 0;
  const chunks = response.body.pipeThrough(new TextDecoderStream());
  const reading = (async () => {
    for await (const text of chunks) shown += text.split('"stage":').length - 1;
  })().catch((error: unknown) => {
    if (!ending.signal.aborted) throw error;
  });
  return {
    shown: () => shown,
    async close() {
      ending.abort();
      await reading;
    },
  };
}

async function main(options: Values<typeof OPTIONS>): Promise<number> {
  const { rounds, subscribers, publishers, events, cli, json } = options;
  const server = fanfare(cli === undefined ? undefined : resolve(cli));
  server.prepare();
  const costs: { closed: number; open: number }[] = [];
  let shown = 0;
  for (let round = 1; round <= rounds; round += 1) {
    process.stderr.write(`round ${round} of ${rounds}\n`);
    const running: ServerProcess[] = [];
    const targets: Pick<LoadJob, 'server' | 'port' | 'serverPid' | 'isSigned' | 'app' | 'stallSeconds'>[] = [];
    const adminPorts: number[] = [];
    try {
      for (const name of ['closed', 'open']) {
        const [port, adminPort] = [await freePort(), await freePort()];
        const { env, ...command } = server.command(port);
        const started = await ServerProcess.start(
          { ...command, env: { ...env, FANFARE_ADMIN_PORT: String(adminPort) } },
          port,
        );
        running.push(started);
        adminPorts.push(adminPort);
        targets.push({
          ...{ server: name, port, serverPid: started.pid },
          ...{ isSigned: true, app: APP, stallSeconds: STALL_SECONDS },
        });
      }
      const load = (shape: ReturnType<typeof warmUp>) =>
        runLoadProcess(
          targets.map((target) => ({ ...target, ...shape })),
          SLICES,
        );
      await load(warmUp());
      const tail = await openTail(adminPorts[1] ?? 0);
      const measured = await load({
        ...{ channel: 'bench-tail', subscribers, publishers, isPaced: true, isKeptAlive: true },
        ...{ warmUpEvents: Math.ceil(events / 4), events },
      });
      await tail.close();
      if (tail.shown() === 0) throw new Error('The tail showed nothing');
      shown += tail.shown();
      const [closed = Number.NaN, open = Number.NaN] = measured.map(
        ({ serverCpuMicroseconds, deliveries }) => serverCpuMicroseconds / deliveries,
      );
      costs.push({ closed, open });
    } finally {
      for (const started of running) await started.stop();
    }
  }
  const ratio = figure(costs.map(({ open, closed }) => open / closed));
  const rows: [string, Figure][] = [
    ['closed', figure(costs.map(({ closed }) => closed))],
    ['open', figure(costs.map(({ open }) => open))],
  ];
  const text = ({ median, least, most }: Figure) => `${median.toFixed(2)} (${least.toFixed(2)} - ${most.toFixed(2)})`;
  process.stdout.write(
    `\n${machineText()}; ${subscribers} subscribers, ${publishers} triggers under way, ${rounds} rounds: medians, the ` +
      `least and the most.\n\n${rows.map(([name, cost]) => `  tail ${name.padEnd(8)}${text(cost)} us of CPU a delivery`).join('\n')}` +
      `\n  open / closed ${text(ratio)} (target ${MOST})\n\nThe tail showed ${shown} lines.\n`,
  );
  writeResults(json, { sizes: { rounds, subscribers, publishers, events }, costs, ratio, shown });
  return ratio.median <= MOST ? 0 : 1;
}

await runCommand('npm run bench:tail -- [options]: a server whose events are watched in the console.', OPTIONS, main);
