import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/free-port.ts';
import { startRedis } from '../../test/support/redis-server.ts';
import { RUN_TYPESCRIPT } from '../../test/support/typescript.ts';
import { JSON_OPTION, machineText, runCommand, type Values, writeResults } from '../support/command.ts';
import { ATTACKS, type Attack, type Prey } from './attacks.ts';
import { Bed } from './bed.ts';
import { HonestTraffic } from './honest.ts';
import { loopDelay } from './loop-delay.ts';
import { type Outcome, tableOf, verdictOf } from './outcome.ts';

const ABOUT = `npm run attacks -- [options]: runs each attack against a server of its own, beside honest clients,
and tells what became of both. Ends with 1 if a server did not survive, grew by over 100 MB by an attack on memory, made
honest clients wait for more than twice as long as before, or did what the attack is there to find. An attacker has
of the CPUs what the server and the honest clients leave. Linux only.`;

const OPTIONS = {
  checkout: { what: 'attack the sources of another checkout', text: 'FOLDER' },
  only: { what: `some of the attacks, with commas: ${ATTACKS.map(({ name }) => name).join(', ')}`, text: 'NAMES' },
  seconds: { what: 'of each attack', count: 8, quick: 3, most: 60 },
  json: JSON_OPTION,
} as const;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ATTACKER = fileURLToPath(new URL('attacker.ts', import.meta.url));
const WARM_UP_MS = 2000;
/** An attack that does not end by itself. */
const LATE_MS = 20_000;
const READY_MS = 20_000;
const MB = 1024 * 1024;

/**
 * Makes an attack ready in a process of its own, which gets what the server and the honest clients leave of the CPUs:
 * it shall load the server, and not take their time. Resolves to what begins it; that resolves to what it saw.
 */
async function makeReady(name: string, seconds: number): Promise<(prey: Prey) => Promise<string>> {
  const args = ['--idle', '0', process.execPath, RUN_TYPESCRIPT, ATTACKER, name];
  const child = spawn('chrt', args, {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: READY_MS + seconds * 1000 + LATE_MS,
  });
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'close').then(() => '');
  await Promise.race([once(lines, 'line'), ended]);
  let saw = '';
  lines.on('line', (line) => {
    saw += line;
  });
  return async (prey) => {
    child.stdin.on('error', () => undefined).write(`${JSON.stringify(prey)}\n`);
    await ended;
    return saw.trim();
  };
}

/** The same attack, with what tells the server of the attacker's endpoint. */
function withWebhooks(what: Attack, port: number): Attack {
  const url = `http://127.0.0.1:${port}/hooks`;
  const env = { FANFARE_APPS_0_WEBHOOKS_0_URL: url, FANFARE_WEBHOOKS_ALLOW_PRIVATE_NETWORKS: 'true', ...what.env };
  return { ...what, env };
}

async function run(asked: Attack, checkout: string, seconds: number): Promise<Outcome> {
  const webhookPort = asked.hasWebhooks === true ? await freePort() : undefined;
  const what = webhookPort === undefined ? asked : withWebhooks(asked, webhookPort);
  const redis = what.needsRedis === true ? await startRedis() : undefined;
  const info = async (section: string, field: string) =>
    Number(new RegExp(`${field}:(\\d+)`).exec((await redis?.command('INFO', section)) ?? '')?.[1]);
  const redisBytes = () => info('memory', 'used_memory');
  const bed = await Bed.start(checkout, what, redis?.url);
  const second = what.hasSecondNode === true ? await Bed.start(checkout, what, redis?.url) : undefined;
  const prey: Prey = {
    ...{ port: bed.port, seconds, webhookPort },
    redis: redis === undefined ? undefined : { port: redis.port, pid: await info('server', 'process_id') },
    second: second === undefined ? undefined : { port: second.port, pid: second.pid },
  };
  const ownDelay = loopDelay();
  const honest = new HonestTraffic(bed.port);
  try {
    await honest.connect();
    await honest.warmUp(what.asksBackend === true);
    await honest.during(WARM_UP_MS);
    await bed.takeLoopDelay();
    ownDelay();
    const calm = await honest.during(seconds * 1000);
    const delaysCalm = { server: await bed.takeLoopDelay(), clients: ownDelay() };
    const begin = await makeReady(what.name, seconds);
    const [bytesBefore, cpuBefore, logBefore, redisBefore] = [
      ...[bed.residentBytes, bed.cpuMicroseconds, bed.logBytes],
      await redisBytes(),
    ];
    bed.takePeakBytes();
    await bed.takeLoopDelay();
    ownDelay();
    const begun = performance.now();
    const attacked = begin(prey);
    const ended = attacked.then(() => [bed.cpuMicroseconds, performance.now()] as const);
    const under = await honest.during(seconds * 1000 + LATE_MS, attacked);
    const saw = await attacked;
    const delays = { server: await bed.takeLoopDelay(), clients: ownDelay() };
    const [cpuAfter, endedAt] = await ended;
    const cpuShare = (cpuAfter - (cpuBefore ?? 0)) / 1000 / (endedAt - begun);
    const grownMb = (bed.takePeakBytes() - (bytesBefore ?? 0)) / MB;
    const survived = bed.ended === undefined && (await bed.servesSoon());
    const redisGrownMb = ((await redisBytes()) - (redisBefore ?? 0)) / MB;
    const logMb = (bed.logBytes - (logBefore ?? 0)) / MB;
    const died = bed.ended;
    const stop = await bed.stop();
    const figures = { grownMb, cpuShare, calm, under, delaysCalm, delays, logMb, redisGrownMb };
    return { ...what, survived, died, saw, stop, ...figures };
  } finally {
    honest.close();
    await bed.stop();
    await second?.stop();
    await redis?.stop();
  }
}

/** As it runs in production; another checkout may have been built already. */
function build(checkout: string): void {
  if (checkout !== resolve(ROOT) && existsSync(join(checkout, 'dist/cli.js'))) return;
  const { status } = spawnSync('npm', ['run', 'build'], { cwd: checkout, stdio: 'ignore' });
  if (status !== 0) throw new Error(`${checkout} could not be built: npm run build says why`);
}

async function main({ checkout, only, seconds, json }: Values<typeof OPTIONS>): Promise<number> {
  const names = only?.split(',');
  for (const name of names ?? []) {
    if (!ATTACKS.some((attack) => attack.name === name)) throw new RangeError(`there is no attack ${name}: see --help`);
  }
  const machine = machineText();
  const folder = resolve(checkout ?? ROOT);
  build(folder);
  const outcomes: Outcome[] = [];
  for (const what of ATTACKS.filter(({ name }) => names?.includes(name) ?? true)) {
    const outcome = await run(what, folder, seconds);
    outcomes.push(outcome);
    console.error(`${what.name}: ${verdictOf(outcome) ?? 'held'}`);
  }
  console.log(`${machine}; ${seconds} s of each attack\n\n${tableOf(outcomes)}`);
  writeResults(json, { outcomes });
  return outcomes.some((outcome) => verdictOf(outcome) !== undefined) ? 1 : 0;
}

await runCommand(ABOUT, OPTIONS, main);
process.exit();
