/**
 * What resuming costs, on one node: Fanfare with resumable subscribers beside Fanfare with plain ones, in one run and
 * by turns.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { JSON_OPTION, machineText, runCommand, type Values, writeResults } from '../support/command.ts';
import { median } from '../support/report.ts';
import { Bed, IN_FLIGHT } from './bed.ts';

const OPTIONS = {
  subscribers: { what: 'of one channel', count: 1000, quick: 200, most: 5000 },
  events: { what: 'measured at full speed, in slices', count: 600, quick: 120, most: 100_000 },
  seconds: {
    what: 'measured at 1, 10 and 100 events a second each, for the cost of acknowledgements',
    count: 20,
    quick: 6,
    most: 600,
  },
  sessions: { what: 'connections for the memory of each', count: 4000, quick: 500, most: 9000 },
  json: JSON_OPTION,
  enforce: { what: 'exit with 2 if a resumable delivery costs more than 1.20 of a plain one', flag: true },
} as const;

const BOUND = 1.2;
const SLICES = 12;

/** At these rates pings and pongs are a part of the cost that can be seen. */
const SLOW = [
  { eventsPerSecond: 1, bound: 1.3 },
  { eventsPerSecond: 10, bound: 1.2 },
  { eventsPerSecond: 100, bound: 1.2 },
];

async function withBeds<T>(use: (plain: Bed, resumable: Bed) => Promise<T>): Promise<T> {
  const plain = await Bed.start('plain');
  const resumable = await Bed.start('resumable');
  try {
    return await use(plain, resumable);
  } finally {
    await plain.close();
    await resumable.close();
  }
}

const microseconds = (value: number) => `${value.toFixed(2)} µs`;

/** Gives the ratio. */
async function measureDeliveries(subscribers: number, events: number, seconds: number): Promise<number> {
  return await withBeds(async (plain, resumable) => {
    const beds = [plain, resumable];
    for (const bed of beds) await bed.subscribe('bench', subscribers);
    for (const bed of beds) await bed.publish('bench', Math.ceil(events / 2));
    const perSlice = Math.ceil(events / SLICES);
    const ratios: number[] = [];
    const sums = { plain: 0, resumable: 0 };
    for (let slice = 0; slice < SLICES; slice += 1) {
      const cpu = { plain: 0, resumable: 0 };
      for (const bed of slice % 2 === 0 ? beds : [...beds].reverse())
        cpu[bed.kind] = await bed.publish('bench', perSlice);
      sums.plain += cpu.plain;
      sums.resumable += cpu.resumable;
      ratios.push(cpu.resumable / cpu.plain);
    }
    const deliveries = perSlice * SLICES * subscribers;
    console.log(`CPU for each delivery, ${subscribers} subscribers of one channel, ${IN_FLIGHT} events under way:`);
    console.log(
      `  plain ${microseconds(sums.plain / deliveries)}, resumable ${microseconds(sums.resumable / deliveries)}`,
    );
    console.log(`  median ratio of ${SLICES} slices: ${median(ratios).toFixed(3)} (at most ${BOUND.toFixed(2)})`);
    for (const { eventsPerSecond, bound } of SLOW) {
      const slow = { plain: 0, resumable: 0 };
      // Both at once: a server that waits costs nothing, and the machine is the same for both.
      await Promise.all(
        beds.map(async (bed) => {
          slow[bed.kind] = await bed.publishSlowly('bench', eventsPerSecond, seconds);
        }),
      );
      const [plainShare, resumableShare] = [slow.plain, slow.resumable].map((cpu) => cpu / seconds / 10_000);
      const ratio = (slow.resumable / slow.plain).toFixed(2);
      console.log(`The same at ${eventsPerSecond} a second for ${seconds} s, acknowledgements among it:`);
      console.log(`  plain ${plainShare?.toFixed(1)} % of a CPU, resumable ${resumableShare?.toFixed(1)} %`);
      console.log(`  ratio ${ratio} (at most ${bound.toFixed(2)} wanted)`);
    }
    return median(ratios);
  });
}

async function measureMemory(sessions: number): Promise<{ plain: number; resumable: number }> {
  return await withBeds(async (plain, resumable) => {
    const perConnection = { plain: 0, resumable: 0 };
    for (const bed of [plain, resumable]) {
      // What the first connections cost is the server's, not theirs.
      await bed.subscribe('memory', 200);
      await bed.publish('memory', 50);
      const before = bed.residentBytes();
      await bed.subscribe('memory', sessions);
      await delay(2500);
      perConnection[bed.kind] = (bed.residentBytes() - before) / sessions;
    }
    const [a, b] = [perConnection.plain / 1024, perConnection.resumable / 1024];
    console.log(`Memory of the server for each connection with one channel, of ${sessions}:`);
    console.log(`  plain ${a.toFixed(1)} kB, resumable ${b.toFixed(1)} kB`);
    return perConnection;
  });
}

/** Gives the growth in bytes. */
async function measureFlood(): Promise<number> {
  return await withBeds(async (_, bed) => {
    await bed.subscribe('flood', 1);
    await bed.publish('flood', 3000, 10_000);
    const before = bed.residentBytes();
    await bed.publish('flood', 15_000, 10_000);
    const grownBytes = bed.residentBytes() - before;
    const grown = `${(grownBytes / 1024 / 1024).toFixed(1)} MB`;
    console.log(`Memory grown by a flood of 150 MB on one channel, after one of 30 MB: ${grown}`);
    return grownBytes;
  });
}

async function main(options: Values<typeof OPTIONS>): Promise<number> {
  console.log(machineText());
  const deliveryRatio = await measureDeliveries(options.subscribers, options.events, options.seconds);
  const bytesPerConnection = await measureMemory(options.sessions);
  const bytesGrownByFlood = await measureFlood();
  writeResults(options.json, { deliveryRatio, bytesPerConnection, bytesGrownByFlood });
  return options.enforce && deliveryRatio > BOUND ? 2 : 0;
}

await runCommand('npm run bench:resume -- [options]: what resuming costs on one node.', OPTIONS, main);
