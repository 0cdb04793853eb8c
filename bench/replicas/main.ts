/**
 * What replicas cost: two nodes over a Redis beside one node alone, Fanfare and soketi, in one run and by turns.
 */
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { contestants } from '../peers/contestants.ts';
import { CLI_OPTION, JSON_OPTION, machineText, runCommand, type Values, writeResults } from '../support/command.ts';
import type { LoadJob } from '../support/load/load-run.ts';
import { runLoadProcess } from '../support/load-process.ts';
import { COLD_TRIGGERS, warmUp } from '../support/scenarios.ts';
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

const OPTIONS = {
  rounds: { what: 'rounds of all', count: 2, quick: 1, most: 100 },
  subscribers: { what: 'subscribers of the fan-out, all on the far node', count: 1000, quick: 100, most: 10_000 },
  events: {
    what: 'measured events of the fan-out in a round; one at a time, half of it',
    count: 200,
    quick: 60,
    most: 100_000,
  },
  triggers: {
    what: 'measured triggers in a round; one at a time, a quarter of it',
    count: 8000,
    quick: 800,
    most: 100_000,
  },
  'without-soketi': { what: 'Fanfare alone', flag: true },
  cli: CLI_OPTION,
  json: JSON_OPTION,
  enforce: { what: "exit with 2 if a delivery on the far node costs more than 1.15 of one node's alone", flag: true },
} as const;

type Options = Values<typeof OPTIONS>;

const NOT_MEASURED = `Not measured: a network between nodes and Redis; more than two nodes; several channels; presence,
client events, resume; Redis Cluster, Sentinel, TLS, persistence; the rate that a cluster could sustain. Both nodes and
Redis share one CPU here, so rates are those of one CPU for all three, and latencies hold their turns at it, which
separate machines would not have. soketi answers a trigger before Redis has it; Fanfare afterwards. Absolute figures
hold for this machine; compare ratios.`;

const MAX_DELIVERY_RATIO = 1.15;
const IN_FLIGHT = 16;
const SLICES = 6;
const STALL_SECONDS = 10;
function scenarios(subscribers: number, events: number, triggers: number): readonly ReplicaScenario[] {
  const fanOut = { channel: 'bench-fan-out', subscribers, isPaced: true };
  const single = Math.ceil(events / 2);
  const hops = Math.ceil(triggers / 4);
  const trigger = { channel: 'bench-triggers', subscribers: 1, isPaced: false, publishers: IN_FLIGHT };
  const cold = Math.min(triggers, COLD_TRIGGERS);
  return [
    {
      name: 'triggers-cold',
      title: `Triggers, cold: the first ${cold} after the start, ${IN_FLIGHT} connections`,
      load: { ...trigger, warmUpEvents: 0, events: cold },
      isCold: true,
      maxDeliveryRatio: undefined,
    },
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
      title: 'One subscriber on the far node, one event at a time, warm',
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
      title: `Triggers, warm, with one subscriber on the far node, ${IN_FLIGHT} connections`,
      load: { ...trigger, warmUpEvents: Math.ceil(triggers / 4), events: triggers },
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
    const measurements: ReplicaMeasurement[] = [];
    let isWarm = false;
    for (const scenario of list) {
      if (!isWarm && scenario.isCold !== true) {
        // Both nodes: the near one takes the triggers, the far one delivers them.
        await load('warm-up', warmUp());
        isWarm = true;
      }
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

/** What can be run. soketi is left out if it cannot be had, with a sentence; Fanfare may not be. */
async function ready(cliFile: string | undefined, withoutSoketi: boolean): Promise<readonly DeploymentKind[]> {
  const able: DeploymentKind[] = [];
  for (const server of ['fanfare', 'soketi'] as const) {
    if (server === 'soketi' && withoutSoketi) continue;
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

async function main(options: Options): Promise<number> {
  const { rounds } = options;
  const list = scenarios(options.subscribers, options.events, options.triggers);
  const cliFile = options.cli === undefined ? undefined : resolve(options.cli);
  const kinds = await ready(cliFile, options['without-soketi']);
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
  process.stdout.write(
    `\n${machineText()}; servers and Redis on one, load on the other: ${isPinned}; ` +
      `load average before and after each round: ${loads.map((load) => load.toFixed(1)).join(', ')}.\n` +
      `${rounds} rounds, frames of 250 bytes. Medians of the rounds; ratios and differences within each round. ` +
      'If there is one node, it is "far".\n\n' +
      `${reports.map(formatReplicas).join('\n\n')}\n\n${formatPublishCosts(publishCosts)}\n\n` +
      `Every delivery was there, once, in order, on its channel and unaltered: ${deliveries}.\n\n${NOT_MEASURED}\n`,
  );
  writeResults(options.json, { loads, rounds, reports, publishCosts, measurements });
  return options.enforce && reports.some(({ ratios }) => ratios.some(isMissed)) ? 2 : 0;
}

await runCommand(
  'npm run bench:replicas -- [options]: two nodes over Redis beside one node alone, Fanfare and soketi, in one run.',
  OPTIONS,
  main,
);
