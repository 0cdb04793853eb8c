import { parseArgs } from 'node:util';
import { Chaos, type ChaosOptions, type ChaosResult } from './chaos.ts';

const USAGE = `npm run chaos -- [options]: stock clients and numbered events, while connections are cut, nodes are
drained and killed, and Redis is restarted. Ends with 1 if a resumable client has missed an event that nobody told it
of.
  --resumable N   resumable clients (200)
  --plain N       plain ones beside them (20)
  --channels N    channels, of which each client has three (20)
  --rate N        events a second, over all channels (60)
  --seconds N     how long (120)
  --nodes N       nodes; with one there is no Redis, and only the network fails (3)
  --ack N         seconds between two acknowledgements (5)
  --checkpoint N  seconds between two savings (10)
  --grace N       seconds of a drain (8)`;

const { values } = parseArgs({
  options: {
    resumable: { type: 'string', default: '200' },
    plain: { type: 'string', default: '20' },
    channels: { type: 'string', default: '20' },
    rate: { type: 'string', default: '60' },
    seconds: { type: 'string', default: '120' },
    nodes: { type: 'string', default: '3' },
    ack: { type: 'string', default: '5' },
    checkpoint: { type: 'string', default: '10' },
    grace: { type: 'string', default: '8' },
    help: { type: 'boolean', default: false },
  },
});

function count(name: Exclude<keyof typeof values, 'help'>, most: number): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new RangeError(`--${name} takes 1 to ${most}`);
  return value;
}

function table(options: ChaosOptions, result: ChaosResult): string {
  const rows: [string, string | number][] = [
    ['nodes', options.nodes],
    ['resumable clients', options.resumable],
    ['connections cut without a close frame', result.cuts],
    ['connections that vanished for the client alone', result.vanished],
    ['freezes of the whole network, 1 s each', result.freezes],
    ['nodes drained and restarted', result.drains],
    ['new connections in the busiest second of a drain', result.busiestDrainSecond],
    ['nodes killed', result.kills],
    ['Redis killed and restarted', result.redisRestarts],
    ['reconnects', result.reconnects],
    ['events accepted', result.published],
    ['events refused or in doubt, not counted', result.refused],
    ['deliveries expected by resumable clients', result.expected],
    ['missed', result.missed.length],
    ['out of order', result.outOfOrder.length],
    ['duplicates', result.duplicates],
    ['oldest duplicate, before the end of its connection', `${(result.oldestDuplicateMs / 1000).toFixed(1)} s`],
    ['gaps announced by recovered:false', result.announcedGaps],
    ['missed in announced gaps', result.missedInAnnouncedGaps],
    ['missed by plain clients, for comparison', `${result.missedByPlain} of ${result.expectedByPlain}`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

if (values.help) {
  console.log(USAGE);
} else {
  const options: ChaosOptions = {
    resumable: count('resumable', 2000),
    plain: Number(values.plain),
    channels: count('channels', 1000),
    eventsPerSecond: count('rate', 2000),
    seconds: count('seconds', 3600),
    nodes: count('nodes', 9),
    ackIntervalSeconds: count('ack', 300),
    checkpointSeconds: count('checkpoint', 300),
    shutdownGraceSeconds: count('grace', 300),
    log: (line) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`),
  };
  const result = await new Chaos(options).run();
  console.log(`\n${table(options, result)}`);
  for (const line of [...result.missed, ...result.outOfOrder].slice(0, 20)) console.log(line);
  process.exitCode = result.missed.length + result.outOfOrder.length > 0 ? 1 : 0;
}
