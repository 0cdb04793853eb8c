import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { LoadJob, LoadResult } from '../support/load/load-run.ts';
import { runLoadProcess } from '../support/load-process.ts';
import { formatScenario, type Measurement, reportScenario } from '../support/report.ts';
import { type ContestantName, type Scenario, type ScenarioSizes, scenarios, warmUp } from '../support/scenarios.ts';
import { freePort, isPinned, ServerProcess } from '../support/server-process.ts';
import { APP, type Contestant, contestants } from './contestants.ts';

const USAGE = `npm run bench -- [options]: Fanfare beside a bare uWebSockets.js server and soketi, in one run.
  --rounds N        rounds of all servers (5)
  --subscribers N   subscribers of the fan-out (1000)
  --events N        measured events of the fan-out, of which one at a time the half (600)
  --triggers N      measured triggers of each trigger scenario (5000)
  --in-flight N     events under way at once, up to 99 (16)
  --only NAMES      servers (bare,soketi,fanfare), scenarios (fan-out,fan-out-single,triggers,triggers-connecting)
                    or both
  --cli FILE        measure another build of Fanfare by its dist/cli.js; this checkout is built otherwise
  --json FILE       write everything as JSON; a relative name stands in bench/results/
  --enforce         exit with 2 where a target is missed`;

const NOT_MEASURED = `Not measured: latency; the rate a server could sustain (the load client limits the fan-out, and
both share one machine); memory; TLS, compression, presence, client events, replicas and Redis; real networks and slow
readers. CPU includes the kernel's share of the server's own calls, loopback's receiving side among it. The bare server
checks no signature, so its triggers are no target for a signed one. Absolute figures hold for this machine; compare
ratios.`;

const STALL_SECONDS = 10;
/** Of each scenario in a round: turns of a second or less. */
const SLICES = 6;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    subscribers: { type: 'string', default: '1000' },
    events: { type: 'string', default: '600' },
    triggers: { type: 'string', default: '5000' },
    'in-flight': { type: 'string', default: '16' },
    only: { type: 'string' },
    cli: { type: 'string' },
    json: { type: 'string' },
    enforce: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function count(name: 'rounds' | 'subscribers' | 'events' | 'triggers' | 'in-flight', most: number): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new RangeError(`--${name} takes 1 to ${most}`);
  return value;
}

/**
 * Triggers until the engine has compiled what it will; by the scenarios' own warm-up of the fan-out it would not have.
 */
const WARM_UP_TRIGGERS = 10_000;

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
    await loadAll('warm-up', warmUp(WARM_UP_TRIGGERS));
    for (const scenario of list) {
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
function chosen(sizes: ScenarioSizes): { servers: readonly Contestant[]; list: readonly Scenario[] } {
  const servers = contestants(values.cli === undefined ? undefined : resolve(values.cli));
  const list = scenarios(sizes);
  const names = values.only?.split(',') ?? [];
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

async function main(): Promise<void> {
  const rounds = count('rounds', 100);
  const sizes = {
    subscribers: count('subscribers', 10_000),
    events: count('events', 100_000),
    triggers: count('triggers', 100_000),
    inFlight: count('in-flight', 99),
  };
  const { servers, list } = chosen(sizes);
  const missing = new Map<ContestantName, string>();
  const able = await ready(servers, missing);
  const measurements: Measurement[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    process.stderr.write(`round ${round} of ${rounds}\n`);
    measurements.push(...(await measure(able, round, list)));
  }
  const reports = list.map((scenario) => reportScenario(scenario, measurements));
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cpus: availableParallelism(), isPinned };
  const deliveries = measurements.reduce((sum, { result }) => sum + result.deliveries, 0);
  process.stdout.write(
    `\n${machine.cpus} CPUs (${machine.cpu}), Node ${machine.node}; ` +
      `server and load ${isPinned ? 'on a CPU each' : 'not pinned'}; ` +
      `${rounds} rounds, frames of 250 bytes. Medians of the rounds.\n\n` +
      `${reports.map((report) => formatScenario(report, missing)).join('\n\n')}\n\n` +
      `Every delivery was there, once, in order, on its channel and unaltered: ${deliveries}.\n\n${NOT_MEASURED}\n`,
  );
  if (values.json !== undefined) {
    const file = resolve(fileURLToPath(new URL('../results', import.meta.url)), values.json);
    mkdirSync(dirname(file), { recursive: true });
    const content = { machine, rounds, sizes, missing: Object.fromEntries(missing), reports, measurements };
    writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
  }
  if (values.enforce && reports.some(({ ratios }) => ratios.some(({ isReached }) => isReached === false))) {
    process.exitCode = 2;
  }
}

process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
if (values.help) process.stdout.write(`${USAGE}\n`);
else {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
