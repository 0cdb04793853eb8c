import { resolve } from 'node:path';
import { freePort } from '../../test/support/free-port.ts';
import { CLI_OPTION, JSON_OPTION, machineText, runCommand, type Values, writeResults } from '../support/command.ts';
import type { LoadJob, LoadResult } from '../support/load/load-run.ts';
import { MAX_PUBLISHERS } from '../support/load/trigger-request.ts';
import { runLoadProcess } from '../support/load-process.ts';
import { formatScenario, type Measurement, reportScenario } from '../support/report.ts';
import { type ContestantName, type Scenario, type ScenarioSizes, scenarios, warmUp } from '../support/scenarios.ts';
import { isPinned, ServerProcess } from '../support/server-process.ts';
import { APP, type Contestant, contestants } from './contestants.ts';

const OPTIONS = {
  rounds: { what: 'rounds of all servers', count: 5, quick: 1, most: 100 },
  subscribers: { what: 'subscribers of the fan-out', count: 1000, quick: 100, most: 10_000 },
  events: {
    what: 'measured events of the fan-out in a round; one at a time, half of it',
    count: 600,
    quick: 120,
    most: 100_000,
  },
  triggers: { what: 'measured triggers of each trigger scenario in a round', count: 5000, quick: 1000, most: 100_000 },
  'in-flight': { what: 'events under way at once', count: 16, most: MAX_PUBLISHERS },
  only: {
    what:
      'servers (bare,soketi,fanfare), scenarios (triggers-cold,fan-out,fan-out-single,triggers,triggers-connecting) ' +
      'or both',
    text: 'NAMES',
  },
  cli: CLI_OPTION,
  json: JSON_OPTION,
  enforce: { what: 'exit with 2 if a target is missed', flag: true },
} as const;

type Options = Values<typeof OPTIONS>;

const NOT_MEASURED = `Not measured: latency; the rate a server could sustain (the load client limits the fan-out, and
both share one machine); memory; TLS, compression, presence, client events, replicas and Redis; real networks and slow
readers. CPU includes the kernel's share of the server's own calls, loopback's receiving side among it. The bare server
checks no signature, so its triggers are no target for a signed one. Absolute figures hold for this machine; compare
ratios.`;

const STALL_SECONDS = 10;
/** Of each scenario in a round: turns of a second or less. */
const SLICES = 6;

/**
 * One round: starts the servers anew, for each process has its own luck with memory, and runs every scenario on them.
 */
async function measure(
  servers: readonly Contestant[],
  round: number,
  list: readonly Scenario[],
): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  const running: { name: ContestantName; isSigned: boolean; port: number; process: ServerProcess }[] = [];
  try {
    for (const server of servers) {
      const port = await freePort();
      running.push({ ...server, port, process: await ServerProcess.start(server.command(port), port) });
    }
    const loadAll = (title: string, shape: Scenario['load']): Promise<LoadResult[]> => {
      const jobs = running.map(({ name, isSigned, port, process }): LoadJob => {
        const target = { server: name, port, serverPid: process.pid, isSigned, app: APP };
        return { ...target, stallSeconds: STALL_SECONDS, ...shape };
      });
      return runLoadProcess(jobs, SLICES).catch((error: Error) => {
        throw new Error(`round ${round}, ${title}: ${error.message}`, { cause: error });
      });
    };
    let isWarm = false;
    for (const scenario of list) {
      if (!isWarm && !scenario.isCold) {
        await loadAll('warm-up', warmUp());
        isWarm = true;
      }
      const results = await loadAll(scenario.title, scenario.load);
      for (const [index, { name }] of running.entries()) {
        const result = results[index];
        if (result === undefined) throw new Error('the load process left a server out');
        measurements.push({ round, contestant: name, scenario: scenario.name, result });
      }
    }
  } finally {
    for (const { process } of running) await process.stop();
  }
  return measurements;
}

/** What `--only` leaves of the servers and of the scenarios: all of a kind of which it names none. */
function chosen(
  { cli, only }: Options,
  sizes: ScenarioSizes,
): { servers: readonly Contestant[]; list: readonly Scenario[] } {
  const servers = contestants(cli === undefined ? undefined : resolve(cli));
  const list = scenarios(sizes);
  const names = only?.split(',') ?? [];
  const known = new Set<string>([...servers, ...list].map(({ name }) => name));
  const unknown = names.find((name) => !known.has(name));
  if (unknown !== undefined) throw new RangeError(`--only knows ${[...known].join(', ')}, but not ${unknown}`);
  const among = <Item extends { readonly name: string }>(items: readonly Item[]): readonly Item[] => {
    const named = items.filter(({ name }) => names.includes(name));
    return named.length === 0 ? items : named;
  };
  return { servers: among(servers), list: among(list) };
}

/** Those that can be run. One that is optional and cannot be had is left out, with its reason. */
async function ready(
  servers: readonly Contestant[],
  missing: Map<ContestantName, string>,
): Promise<readonly Contestant[]> {
  const able: Contestant[] = [];
  for (const contestant of servers) {
    try {
      contestant.prepare();
      const port = await freePort();
      await (await ServerProcess.start(contestant.command(port), port)).stop();
      able.push(contestant);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!contestant.isOptional) throw new Error(`${contestant.name} does not run: ${reason}`, { cause: error });
      process.stderr.write(`${contestant.name} does not run here and is left out: ${reason}\n`);
      missing.set(contestant.name, reason.split('\n', 1)[0] ?? reason);
    }
  }
  return able;
}

async function main(options: Options): Promise<number> {
  const { rounds, subscribers, events, triggers } = options;
  const sizes = { subscribers, events, triggers, inFlight: options['in-flight'] };
  const { servers, list } = chosen(options, sizes);
  const missing = new Map<ContestantName, string>();
  const able = await ready(servers, missing);
  const measurements: Measurement[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    process.stderr.write(`round ${round} of ${rounds}\n`);
    measurements.push(...(await measure(able, round, list)));
  }
  const reports = list.map((scenario) => reportScenario(scenario, measurements));
  const deliveries = measurements.reduce((sum, { result }) => sum + result.deliveries, 0);
  process.stdout.write(
    `\n${machineText()}; server and load ${isPinned ? 'on a CPU each' : 'not pinned'}; ` +
      `${rounds} rounds, frames of 250 bytes. Medians of the rounds.\n\n` +
      `${reports.map((report) => formatScenario(report, missing)).join('\n\n')}\n\n` +
      `Every delivery was there, once, in order, on its channel and unaltered: ${deliveries}.\n\n${NOT_MEASURED}\n`,
  );
  writeResults(options.json, { rounds, sizes, missing: Object.fromEntries(missing), reports, measurements });
  const isMissed = reports.some(({ ratios }) => ratios.some(({ isReached }) => isReached === false));
  return options.enforce && isMissed ? 2 : 0;
}

await runCommand('npm run bench -- [options]: Fanfare beside a bare uWebSockets.js server and soketi.', OPTIONS, main);
