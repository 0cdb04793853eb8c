import { JSON_OPTION, runCommand, type Values, writeResults } from '../support/command.ts';
import { restText, Soak } from './soak.ts';
import { grown } from './verdict.ts';

const ABOUT = `npm run soak -- [options]: for half an hour clients come, join, sign in, send and go, while the
configuration is reloaded and Redis hangs, in waves. After each wave all have gone. Ends with 1 if anything is left
then: memory, handles, timers, keys in Redis.`;

const OPTIONS = {
  waves: { what: 'waves of clients', count: 20, quick: 3, most: 1000 },
  seconds: {
    what: 'of a wave; afterwards it takes 20 s until all that is kept for a while has gone',
    count: 70,
    quick: 8,
    most: 3600,
  },
  clients: { what: 'clients at once', count: 60, quick: 40, most: 1000 },
  nodes: { what: 'nodes over one Redis', count: 2, most: 9 },
  json: JSON_OPTION,
} as const;

async function main(options: Values<typeof OPTIONS>): Promise<number> {
  const soak = new Soak({
    waves: options.waves,
    secondsOfWave: options.seconds,
    clients: options.clients,
    nodes: options.nodes,
    log: (line) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`),
  });
  const result = await soak.run();
  const [first] = result.rests;
  const problems = grown(result);
  if (first !== undefined) console.log(`\nbefore any client: ${restText(first)}`);
  console.log(
    `${result.connections} connections, ${result.subscriptions} subscriptions, ${result.clientEvents} client events, ` +
      `${result.triggers} triggers accepted and ${result.refused} refused, ${result.received} frames received, ` +
      `${result.reloads} reloads, ${result.hangs} hangs of Redis`,
  );
  for (const problem of problems) console.log(`GROWN: ${problem}`);
  if (problems.length === 0) console.log('Nothing has grown, and nothing is left.');
  writeResults(options.json, result);
  return problems.length === 0 ? 0 : 1;
}

await runCommand(ABOUT, OPTIONS, main);
process.exit();
