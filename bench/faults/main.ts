import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { JSON_OPTION, machineText, runCommand, type Values, writeResults } from '../support/command.ts';
import { faketimeLibrary, runsRedis } from './clock.ts';
import { missingForNamespaces, Network } from './network.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { problemsOf, type Row, tableOf } from './table.ts';
import { Trial, type TrialOptions } from './trial.ts';

const ABOUT = `npm run faults -- [options], as root on Linux: two nodes and Redis on hosts of their own, which are
network namespaces that it makes and removes, while networks part, packets are lost, Redis is slow and clocks jump.
Ends with 1 if an event that was acknowledged is lost in silence, comes twice or out of order, or if it does not
become normal again. Needs Debian's iproute2, iptables and redis-server; for clocks, libfaketime.`;

const OPTIONS = {
  only: { what: `some of the faults, with commas: ${SCENARIOS.map(({ name }) => name).join(', ')}`, text: 'NAMES' },
  clients: { what: 'clients with fanfare/client on each node', count: 10, quick: 4, most: 500 },
  members: { what: 'members of the presence channel on each node', count: 5, quick: 3, most: 100 },
  rate: { what: 'triggers a second', count: 20, most: 500 },
  recovery: { what: 'seconds that it may take until all is normal again', count: 120, most: 600 },
  json: JSON_OPTION,
} as const;

/** Set in the namespace of the clients: what the names of this run's namespaces begin with. */
const PREFIX = 'FANFARE_FAULTS_PREFIX';
/** With `--quick`: one of each kind. */
const QUICK = ['redis-short', 'from-redis', 'node1-clock-ahead'];

function chosen(only: string | undefined): readonly Scenario[] {
  const names = only?.split(',') ?? (process.argv.includes('--quick') ? QUICK : undefined);
  for (const name of names ?? []) {
    if (SCENARIOS.some((scenario) => scenario.name === name)) continue;
    throw new RangeError(`--only takes ${SCENARIOS.map((scenario) => scenario.name).join(', ')}; not ${name}`);
  }
  return SCENARIOS.filter(({ name }) => names?.includes(name) ?? true);
}

/** Makes the namespaces and runs this command again in the one of the clients. */
async function runInNamespaces(): Promise<number> {
  const missing = missingForNamespaces();
  if (missing !== undefined) throw new Error(missing);
  const prefix = `fanfare-${process.pid}`;
  const network = new Network(prefix);
  process.on('exit', () => network.remove());
  network.create();
  const [file = '', ...args] = network.on('clients', process.execPath, ...process.execArgv, ...process.argv.slice(1));
  const child = spawn(file, args, { stdio: 'inherit', env: { ...process.env, [PREFIX]: prefix } });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

async function runScenarios(prefix: string, values: Values<typeof OPTIONS>): Promise<number> {
  const network = new Network(prefix);
  const options: TrialOptions = {
    clients: values.clients,
    members: values.members,
    eventsPerSecond: values.rate,
    recoverySeconds: values.recovery,
    faketime: faketimeLibrary(),
  };
  const rows: Row[] = [];
  for (const scenario of chosen(values.only)) {
    const { name, what, clock } = scenario;
    console.log(`${new Date().toISOString().slice(11, 19)} ${what}`);
    if (clock !== undefined && options.faketime === undefined) {
      rows.push({ name, what, skipped: 'libfaketime is not there (Debian: apt-get install libfaketime)' });
    } else if (clock === 'redis' && !runsRedis(options.faketime ?? '')) {
      rows.push({ name, what, skipped: 'this redis-server does not start with libfaketime' });
    } else {
      rows.push(await new Trial(options).run(network, scenario));
    }
  }
  console.log(`\n${machineText()}\n${tableOf(rows)}\n`);
  const problems = problemsOf(rows);
  for (const problem of problems.slice(0, 40)) console.log(`WRONG: ${problem}`);
  if (problems.length === 0) console.log('Nothing that was acknowledged was lost.');
  writeResults(values.json, { rows });
  return problems.length === 0 ? 0 : 1;
}

await runCommand(ABOUT, OPTIONS, async (values) => {
  const prefix = process.env[PREFIX];
  chosen(values.only);
  return prefix === undefined ? await runInNamespaces() : await runScenarios(prefix, values);
});
process.exit();
