import { runCommand, type Values } from '../support/command.ts';
import { Chaos, type ChaosOptions, type ChaosResult } from './chaos.ts';

const ABOUT = `npm run chaos -- [options]: stock clients and numbered events, while connections are cut, nodes are
drained and killed, and Redis is restarted. Ends with 1 if a resumable client has missed an event that nobody told it
of, or one with fanfare/client has seen an event twice.`;

const OPTIONS = {
  helped: { what: 'resumable clients with fanfare/client', count: 100, quick: 20, least: 0, most: 2000 },
  resumable: { what: 'resumable clients without it', count: 100, quick: 20, least: 0, most: 2000 },
  plain: { what: 'plain ones beside them', count: 20, quick: 4, least: 0, most: 2000 },
  channels: { what: 'channels, of which each client has three', count: 20, quick: 10, most: 1000 },
  rate: { what: 'events a second, over all channels', count: 60, quick: 40, most: 2000 },
  seconds: { what: 'how long', count: 120, quick: 24, most: 3600 },
  nodes: { what: 'nodes; with one there is no Redis, and only the network fails', count: 3, most: 9 },
  ack: { what: 'seconds between two acknowledgements', count: 5, quick: 1, most: 300 },
  checkpoint: { what: 'seconds between two savings', count: 10, quick: 2, most: 300 },
  grace: { what: 'seconds of a drain', count: 8, quick: 2, most: 300 },
} as const;

function table(options: ChaosOptions, result: ChaosResult): string {
  const rows: [string, string | number][] = [
    ['nodes', options.nodes],
    ['resumable clients with fanfare/client, and without', `${options.helped}, ${options.resumable}`],
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
    ['duplicates with fanfare/client', result.duplicatesOfHelped],
    ['duplicates without', result.duplicates],
    ['oldest duplicate, before the end of its connection', `${(result.oldestDuplicateMs / 1000).toFixed(1)} s`],
    ['gaps announced by recovered:false', result.announcedGaps],
    ['missed in announced gaps', result.missedInAnnouncedGaps],
    ['missed by plain clients, for comparison', `${result.missedByPlain} of ${result.expectedByPlain}`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

async function main(values: Values<typeof OPTIONS>): Promise<number> {
  const options: ChaosOptions = {
    helped: values.helped,
    resumable: values.resumable,
    plain: values.plain,
    channels: values.channels,
    eventsPerSecond: values.rate,
    seconds: values.seconds,
    nodes: values.nodes,
    ackIntervalSeconds: values.ack,
    checkpointSeconds: values.checkpoint,
    shutdownGraceSeconds: values.grace,
    log: (line) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`),
  };
  const result = await new Chaos(options).run();
  console.log(`\n${table(options, result)}`);
  for (const line of [...result.missed, ...result.outOfOrder].slice(0, 20)) console.log(line);
  return result.missed.length + result.outOfOrder.length + result.duplicatesOfHelped > 0 ? 1 : 0;
}

await runCommand(ABOUT, OPTIONS, main);
