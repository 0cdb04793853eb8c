import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startRedis } from '../../test/support/redis-server.ts';
import { JSON_OPTION, machineText, runCommand, type Values, writeResults } from '../support/command.ts';
import { pinned } from '../support/server-process.ts';
import { ATTACKS, type Attack } from './attacks.ts';
import { Bed } from './bed.ts';
import { HonestTraffic } from './honest.ts';
import { type Outcome, tableOf, verdictOf } from './outcome.ts';

const ABOUT = `npm run attacks -- [options]: runs each attack against a server of its own, beside honest clients,
and tells what became of both. Ends with 1 if a server did not survive, grew by over 100 MB, or made honest clients wait
for more than twice as long as before. Linux only.`;

const OPTIONS = {
  checkout: { what: 'attack the sources of another checkout', text: 'FOLDER' },
  only: { what: 'one attack alone', text: 'NAME' },
  seconds: { what: 'of each attack', count: 8, quick: 3, most: 60 },
  json: JSON_OPTION,
} as const;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ATTACKER = fileURLToPath(new URL('attacker.ts', import.meta.url));
const WARM_UP_MS = 2000;
/** An attack that does not end by itself. */
const LATE_MS = 20_000;
const MB = 1024 * 1024;

/** Runs the attack in a process of its own, below the honest clients in rank: it shall load the server, not them. */
function attack(name: string, port: number, seconds: number): Promise<string> {
  const [file, args] = pinned(1, ['nice', '-n', '19', process.execPath, '--import=tsx', ATTACKER, name]);
  const child = spawn(file, [...args, String(port), String(seconds)], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: seconds * 1000 + LATE_MS,
  });
  let saw = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    saw += text;
  });
  return new Promise((done) => child.once('close', () => done(saw.trim())));
}

async function run(what: Attack, checkout: string, seconds: number): Promise<Outcome> {
  const redis = what.needsRedis === true ? await startRedis() : undefined;
  const redisBytes = async () => Number(/used_memory:(\d+)/.exec((await redis?.command('INFO', 'memory')) ?? '')?.[1]);
  const bed = await Bed.start(checkout, what, redis?.url);
  const honest = new HonestTraffic(bed.port);
  try {
    await honest.connect();
    await honest.during(WARM_UP_MS);
    const calm = await honest.during(seconds * 1000);
    const [bytesBefore, cpuBefore, logBefore, redisBefore] = [
      ...[bed.residentBytes, bed.cpuMicroseconds, bed.logBytes],
      await redisBytes(),
    ];
    bed.takePeakBytes();
    const begun = performance.now();
    const attacked = attack(what.name, bed.port, seconds);
    const under = await honest.during(seconds * 1000 + LATE_MS, attacked);
    const saw = await attacked;
    const cpuShare = (bed.cpuMicroseconds - (cpuBefore ?? 0)) / 1000 / (performance.now() - begun);
    const grownMb = (bed.takePeakBytes() - (bytesBefore ?? 0)) / MB;
    const survived = bed.ended === undefined && (await bed.serves());
    const redisGrownMb = ((await redisBytes()) - (redisBefore ?? 0)) / MB;
    const logMb = (bed.logBytes - (logBefore ?? 0)) / MB;
    const died = bed.ended;
    const stop = await bed.stop();
    return { ...what, survived, died, grownMb, cpuShare, calm, under, saw, stop, logMb, redisGrownMb };
  } finally {
    honest.close();
    await bed.stop();
    await redis?.stop();
  }
}

async function main({ checkout, only, seconds, json }: Values<typeof OPTIONS>): Promise<number> {
  const attacks = ATTACKS.filter(({ name }) => only === undefined || name === only);
  if (attacks.length === 0)
    throw new Error(`there is no attack ${only}: ${ATTACKS.map(({ name }) => name).join(', ')}`);
  const outcomes: Outcome[] = [];
  for (const what of attacks) {
    const outcome = await run(what, resolve(checkout ?? ROOT), seconds);
    outcomes.push(outcome);
    console.error(`${what.name}: ${verdictOf(outcome) ?? 'held'}`);
  }
  console.log(`${machineText()}; ${seconds} s of each attack\n\n${tableOf(outcomes)}`);
  writeResults(json, { outcomes });
  return outcomes.some((outcome) => verdictOf(outcome) !== undefined) ? 1 : 0;
}

await runCommand(ABOUT, OPTIONS, main);
process.exit();
