/**
 * What resuming costs, on one node: Fanfare with resumable subscribers beside Fanfare with plain ones, in one run and
 * by turns.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readCpuMicroseconds } from '../support/cpu-time.ts';
import { Subscriber } from '../support/load/subscriber.ts';
import { TriggerConnection } from '../support/load/trigger-connection.ts';
import { type AppKeys, EVENT, eventData, triggerRequest } from '../support/load/trigger-request.ts';
import { freePort, ServerProcess } from '../support/server-process.ts';

const USAGE = `npm run bench:resume -- [options]
  --subscribers N  of one channel (1000)
  --events N       measured at full speed, in slices (600)
  --seconds N      measured at one event a second, for the cost of acknowledgements (20)
  --sessions N     connections for the memory of each (4000)
  --enforce        exit with 2 where a resumable delivery costs more than 1.20 of a plain one`;

const { values } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '1000' },
    events: { type: 'string', default: '600' },
    seconds: { type: 'string', default: '20' },
    sessions: { type: 'string', default: '4000' },
    enforce: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const APP: AppKeys = { id: 'app-id', key: 'app-key', secret: 'app-secret' };
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODE = fileURLToPath(new URL('../chaos/node.ts', import.meta.url));
const BOUND = 1.2;
const SLICES = 12;
const IN_FLIGHT = 16;
/** `{"event":"` comes before an event's name. */
const NAME_AT = 10;

type Kind = 'plain' | 'resumable';

function count(name: 'subscribers' | 'events' | 'seconds' | 'sessions', most: number): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new RangeError(`--${name} takes 1 to ${most}`);
  return value;
}

/** One server with subscribers of one kind, and triggers for them. */
class Bed {
  readonly kind: Kind;
  readonly #server: ServerProcess;
  readonly #port: number;
  readonly #subscribers: Subscriber[] = [];
  readonly #triggers: TriggerConnection[] = [];
  #delivered = 0;
  #answered = 0;
  #sequence = 0;
  #failure: Error | undefined;

  private constructor(kind: Kind, server: ServerProcess, port: number) {
    this.kind = kind;
    this.#server = server;
    this.#port = port;
  }

  static async start(kind: Kind): Promise<Bed> {
    const port = await freePort();
    const settings = {
      host: '127.0.0.1',
      port,
      auth: { enabled: false },
      admin: { enabled: false },
      apps: [APP],
      log: { level: 'warn' },
    };
    const command = [process.execPath, '--import=tsx', NODE, JSON.stringify(settings)];
    return new Bed(kind, await ServerProcess.start({ command, cwd: ROOT, env: {} }, port), port);
  }

  async subscribe(channel: string, subscribers: number): Promise<void> {
    for (let begun = 0; begun < subscribers; begun += 50) {
      const some = Array.from({ length: Math.min(50, subscribers - begun) }, () => this.#subscriber(channel));
      this.#subscribers.push(...some);
      await this.#untilFailure(Promise.all(some.map((subscriber) => subscriber.ready())));
    }
  }

  /** Publishes so many events, several under way, and waits for every delivery; gives the CPU that the server used. */
  async publish(channel: string, events: number, bytes = 0): Promise<number> {
    const before = readCpuMicroseconds(this.#server.pid);
    for (let begun = 0; begun < events; begun += IN_FLIGHT) {
      const some = Math.min(IN_FLIGHT, events - begun);
      const due = { delivered: this.#delivered + some * this.#subscribers.length, answered: this.#answered + some };
      for (let index = 0; index < some; index += 1) this.#trigger(index).send(this.#request(channel, bytes));
      for (let idleMs = 0; this.#delivered < due.delivered || this.#answered < due.answered; idleMs += 1) {
        if (this.#failure !== undefined) throw this.#failure;
        if (idleMs > 20_000) throw new Error(`${due.delivered - this.#delivered} deliveries are missing`);
        await delay(1);
      }
    }
    return readCpuMicroseconds(this.#server.pid) - before;
  }

  /** One event a second; acknowledgements and all else that a server does meanwhile count. */
  async publishSlowly(channel: string, seconds: number): Promise<number> {
    const before = readCpuMicroseconds(this.#server.pid);
    for (let second = 0; second < seconds; second += 1) {
      const pause = delay(1000);
      await this.publish(channel, 1);
      await pause;
    }
    return readCpuMicroseconds(this.#server.pid) - before;
  }

  get subscribers(): number {
    return this.#subscribers.length;
  }

  /** Of the server's process, in bytes. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.#server.pid}/status`, 'latin1');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024;
  }

  async close(): Promise<void> {
    for (const subscriber of this.#subscribers) subscriber.close();
    for (const trigger of this.#triggers) trigger.close();
    await this.#server.stop();
  }

  #subscriber(channel: string): Subscriber {
    return new Subscriber({
      port: this.#port,
      // Any prefix may stand before a path's end, which is what a key is put into.
      key: this.kind === 'plain' ? APP.key : `resume/${randomUUID()}/app/${APP.key}`,
      channel,
      onDelivery: (bytes, start) => {
        if (bytes.toString('latin1', start + NAME_AT, start + NAME_AT + EVENT.length) === EVENT) this.#delivered += 1;
      },
      onFailure: (error) => {
        this.#failure = error;
      },
    });
  }

  #trigger(index: number): TriggerConnection {
    let trigger = this.#triggers[index];
    if (trigger === undefined) {
      trigger = new TriggerConnection({
        port: this.#port,
        isKeptAlive: true,
        onAnswer: () => {
          this.#answered += 1;
        },
        onFailure: (error) => {
          this.#failure = error;
        },
      });
      this.#triggers[index] = trigger;
    }
    return trigger;
  }

  #request(channel: string, bytes: number): Buffer {
    this.#sequence += 1;
    const data = bytes === 0 ? eventData(channel, 0, this.#sequence) : 'x'.repeat(bytes);
    return triggerRequest(APP.id, APP, channel, data);
  }

  async #untilFailure<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    const watch = (async () => {
      while (!isOver) {
        if (this.#failure !== undefined) throw this.#failure;
        await delay(20);
      }
    })();
    try {
      await Promise.race([promise, watch]);
      return await promise;
    } finally {
      isOver = true;
    }
  }
}

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
const median = (numbers: readonly number[]) =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

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
    const slow = { plain: 0, resumable: 0 };
    // Both at once: a server that waits costs nothing, and the machine is the same for both.
    await Promise.all(
      beds.map(async (bed) => {
        slow[bed.kind] = await bed.publishSlowly('bench', seconds);
      }),
    );
    console.log(`The same at one event a second for ${seconds} s, acknowledgements every 5 s among it:`);
    const [plainShare, resumableShare] = [slow.plain, slow.resumable].map((cpu) => cpu / seconds / 10_000);
    console.log(`  plain ${plainShare?.toFixed(1)} % of a CPU, resumable ${resumableShare?.toFixed(1)} %`);
    return median(ratios);
  });
}

async function measureMemory(sessions: number): Promise<void> {
  await withBeds(async (plain, resumable) => {
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
  });
}

async function measureFlood(): Promise<void> {
  await withBeds(async (_, bed) => {
    await bed.subscribe('flood', 1);
    await bed.publish('flood', 3000, 10_000);
    const before = bed.residentBytes();
    await bed.publish('flood', 15_000, 10_000);
    const grownMb = (bed.residentBytes() - before) / 1024 / 1024;
    console.log(`Memory grown by a flood of 150 MB on one channel, after one of 30 MB: ${grownMb.toFixed(1)} MB`);
  });
}

if (values.help) {
  console.log(USAGE);
} else {
  const ratio = await measureDeliveries(count('subscribers', 5000), count('events', 100_000), count('seconds', 600));
  await measureMemory(count('sessions', 9000));
  await measureFlood();
  if (values.enforce && ratio > BOUND) process.exitCode = 2;
}
