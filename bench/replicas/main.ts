/**
 * What replicas cost: two nodes over a Redis beside one node alone, Fanfare and soketi, in one run and by turns.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { contestants } from '../peers/contestants.ts';
import type { LoadJob } from '../support/load/load-run.ts';
import { runLoadProcess } from '../support/load-process.ts';
import { warmUp } from '../support/scenarios.ts';
import { isPinned } from '../support/server-process.ts';
import { Deployment, type DeploymentKind, labelOf } from './deployment.ts';
import { measurePublishCost } from './publish-cost.ts';
import {
  formatPublishCosts,
  formatReplicas,
  isMissed,
  type ReplicaMeasurement,
  type ReplicaScenario,
  reportReplicas,
} from './report.ts';

const USAGE = `npm run bench:replicas -- [options]: two nodes over Redis beside one node alone, Fanfare and soketi, in
one run.
  --rounds N        rounds of all (2)
  --subscribers N   subscribers of the fan-out, all on the far node (1000)
  --events N        measured events of the fan-out in a round; one at a time the half (200)
  --triggers N      measured triggers in a round; one at a time a quarter (2000)
  --without-soketi  Fanfare alone
  --cli FILE        measure another build of Fanfare by its dist/cli.js; this checkout is built otherwise
  --json FILE       write everything as JSON; a relative name stands in bench/results/
  --enforce         exit with 2 where a delivery on the far node costs more than 1.15 of one node's alone`;

const NOT_MEASURED = `Not measured: a network between nodes and Redis; more than two nodes; several channels; presence,
client events, resume; Redis Cluster, Sentinel, TLS, persistence; the rate that a cluster could sustain. Both nodes and
Redis share one CPU here, so rates are those of one CPU for all three, and latencies hold their turns at it, which
separate machines would not have. soketi answers a trigger before Redis has it; Fanfare afterwards. Absolute figures
hold for this machine; compare ratios.`;

const MAX_DELIVERY_RATIO = 1.15;
const IN_FLIGHT = 16;
const SLICES = 6;
const STALL_SECONDS = 10;
/** Both nodes are warmed up by them: the near one takes them, the far one delivers them. */
const WARM_UP_TRIGGERS = 5000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '2' },
    subscribers: { type: 'string', default: '1000' },
    events: { type: 'string', default: '200' },
    triggers: { type: 'string', default: '2000' },
    'without-soketi': { type: 'boolean', default: false },
    cli: { type: 'string' },
    json: { type: 'string' },
    enforce: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function count(name: 'rounds' | 'subscribers' | 'events' | 'triggers', most: number): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new RangeError(`--${name} takes 1 to ${most}`);
  return value;
}

function scenarios(subscribers: number, events: number, triggers: number): readonly ReplicaScenario[] {
  const fanOut = { channel: 'bench-fan-out', subscribers, isPaced: true };
  const single = Math.ceil(events / 2);
  const hops = Math.ceil(triggers / 4);
  return [
    {
      name: 'fan-out',
      title: `Fan-out to ${subscribers} subscribers on the far node, ${IN_FLIGHT} events under way`,
      load: { ...fanOut, publishers: IN_FLIGHT, warmUpEvents: Math.ceil(events / 4), events },
      maxDeliveryRatio: MAX_DELIVERY_RATIO,
    },
    {
      name: 'fan-out-single',
      title: `Fan-out to ${subscribers} subscribers on the far node, one event at a time`,
      load: { ...fanOut, publishers: 1, warmUpEvents: Math.ceil(single / 10), events: single },
      maxDeliveryRatio: MAX_DELIVERY_RATIO,
    },
    {
      name: 'hop',
      title: 'One subscriber on the far node, one event at a time',
      load: {
        channel: 'bench-hop',
        subscribers: 1,
        isPaced: true,
        publishers: 1,
        warmUpEvents: Math.ceil(hops / 5),
        events: hops,
      },
      maxDeliveryRatio: undefined,
    },
    {
      name: 'triggers',
      title: `Triggers with one subscriber on the far node, ${IN_FLIGHT} connections`,
      load: {
        channel: 'bench-triggers',
        subscribers: 1,
        isPaced: false,
        publishers: IN_FLIGHT,
        warmUpEvents: Math.ceil(triggers / 4),
        events: triggers,
      },
      maxDeliveryRatio: undefined,
    },
  ];
}

/** One round: starts all anew, for each process has its own luck with memory, and runs every scenario. */
async function measure(
  kinds: readonly DeploymentKind[],
  round: number,
  list: readonly ReplicaScenario[],
  cliFile: string | undefined,
): Promise<ReplicaMeasurement[]> {
  const running: Deployment[] = [];
  try {
    for (const kind of kinds) running.push(await Deployment.start(kind, cliFile));
    const load = async (title: string, shape: ReplicaScenario['load']) => {
      const jobs = running.map(
        ({ target }): LoadJob => ({ ...target, ...shape, isKeptAlive: true, stallSeconds: STALL_SECONDS }),
      );
      try {
        return await runLoadProcess(jobs, SLICES);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`round ${round}, ${title}: ${reason}`, { cause: error });
      }
    };
    await load('warm-up', warmUp(WARM_UP_TRIGGERS));
    const measurements: ReplicaMeasurement[] = [];
    for (const scenario of list) {
      const results = await load(scenario.title, scenario.load);
      for (const [index, { kind }] of running.entries()) {
        const result = results[index];
        if (result === undefined) throw new Error('the load process left a server out');
        measurements.push({ round, kind, scenario: scenario.name, result });
      }
    }
    return measurements;
  } finally {
    for (const deployment of running) await deployment.stop();
  }
}

/** What can be run. soketi is left out where it cannot be had, with a sentence; Fanfare may not be. */
async function ready(cliFile: string | undefined): Promise<readonly DeploymentKind[]> {
  const able: DeploymentKind[] = [];
  for (const server of ['fanfare', 'soketi'] as const) {
    if (server === 'soketi' && values['without-soketi']) continue;
    const kinds = ([1, 2] as const).map((nodes) => ({ server, nodes }));
    try {
      contestants(cliFile)
        .find(({ name }) => name === server)
        ?.prepare();
      for (const kind of kinds) await (await Deployment.start(kind, cliFile)).stop();
      able.push(...kinds);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (server === 'fanfare') throw new Error(`fanfare does not run: ${reason}`, { cause: error });
      process.stderr.write(`soketi does not run here and is left out: ${reason}\n`);
    }
  }
  return able;
}

async function main(): Promise<void> {
  const rounds = count('rounds', 100);
  const list = scenarios(count('subscribers', 10_000), count('events', 100_000), count('triggers', 100_000));
  const cliFile = values.cli === undefined ? undefined : resolve(values.cli);
  const kinds = await ready(cliFile);
  const measurements: ReplicaMeasurement[] = [];
  const loads = [loadavg()[0] ?? Number.NaN];
  for (let round = 1; round <= rounds; round += 1) {
    process.stderr.write(`round ${round} of ${rounds}: ${kinds.map(labelOf).join('; ')}\n`);
    measurements.push(...(await measure(kinds, round, list, cliFile)));
    loads.push(loadavg()[0] ?? Number.NaN);
  }
  const publishCosts = await measurePublishCost();
  const reports = list.map((scenario) => reportReplicas(scenario, kinds, measurements));
  const deliveries = measurements.reduce((sum, { result }) => sum + result.deliveries, 0);
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cpus: availableParallelism(), isPinned };
  process.stdout.write(
    `\n${machine.cpus} CPUs (${machine.cpu}), Node ${machine.node}; ` +
      `servers and Redis on one, load on the other: ${isPinned}; ` +
      `load average before and after each round: ${loads.map((load) => load.toFixed(1)).join(', ')}.\n` +
      `${rounds} rounds, frames of 250 bytes. Medians of the rounds; ratios and differences within each round. ` +
      'If there is one node, it is "far".\n\n' +
      `${reports.map(formatReplicas).join('\n\n')}\n\n${formatPublishCosts(publishCosts)}\n\n` +
      `Every delivery was there, once, in order, on its channel and unaltered: ${deliveries}.\n\n${NOT_MEASURED}\n`,
  );
  if (values.json !== undefined) {
    const file = resolve(fileURLToPath(new URL('../results', import.meta.url)), values.json);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(
      file,
      `${JSON.stringify({ machine, loads, rounds, reports, publishCosts, measurements }, undefined, 2)}\n`,
    );
  }
  if (values.enforce && reports.some(({ ratios }) => ratios.some(isMissed))) process.exitCode = 2;
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
