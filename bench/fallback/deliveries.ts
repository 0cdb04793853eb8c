import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/free-port.ts';
import { RUN_TYPESCRIPT } from '../../test/support/typescript.ts';
import { APP, fanfare } from '../peers/contestants.ts';
import type { LoadJob, LoadResult } from '../support/load/load-run.ts';
import { runLoadProcess } from '../support/load-process.ts';
import { type Figure, figure } from '../support/report.ts';
import { warmUp } from '../support/scenarios.ts';
import { type ServerCommand, ServerProcess } from '../support/server-process.ts';

export interface DeliverySizes {
  readonly rounds: number;
  readonly subscribers: number;
  readonly events: number;
}

/** A server and how its subscribers read. */
interface Contestant {
  readonly name: 'a bare chunked response' | 'streaming' | 'WebSocket';
  readonly transport: NonNullable<LoadJob['transport']>;
  readonly isSigned: boolean;
  readonly command: (port: number) => ServerCommand;
}

export interface DeliveryReport {
  readonly title: string;
  readonly rows: readonly {
    readonly name: Contestant['name'];
    readonly cpuMicroseconds: Figure;
    readonly perRead: Figure;
  }[];
  /** Of a delivery over streaming to one of the others, formed in each round. */
  readonly ratios: readonly { readonly to: Contestant['name']; readonly ratio: Figure }[];
  readonly deliveries: number;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STALL_SECONDS = 10;
const SLICES = 6;

/** In the order of a round. */
function contestants(cliFile: string | undefined): readonly Contestant[] {
  const bareFile = fileURLToPath(new URL('bare-stream.ts', import.meta.url));
  const bare = (port: number) => ({
    command: [process.execPath, RUN_TYPESCRIPT, bareFile, String(port)],
    cwd: ROOT,
    env: {},
  });
  const server = fanfare(cliFile);
  server.prepare();
  return [
    { name: 'a bare chunked response', transport: 'chunked', isSigned: false, command: bare },
    { name: 'streaming', transport: 'xhr_streaming', isSigned: true, command: server.command },
    { name: 'WebSocket', transport: 'ws', isSigned: true, command: server.command },
  ];
}

/** What a delivery costs its server, by turns in one run; rejects on the first delivery that is not as it must be. */
export async function measureDeliveries(sizes: DeliverySizes, cliFile: string | undefined): Promise<DeliveryReport[]> {
  const { rounds, subscribers, events } = sizes;
  const servers = contestants(cliFile);
  const fanOut = { channel: 'bench-fan-out', subscribers, isPaced: true, isKeptAlive: true };
  const shapes = [
    { title: '16 events under way', load: { ...fanOut, publishers: 16, warmUpEvents: Math.ceil(events / 4), events } },
    {
      title: 'one event at a time',
      load: { ...fanOut, publishers: 1, warmUpEvents: Math.ceil(events / 20), events: Math.ceil(events / 2) },
    },
  ];
  const measured = shapes.map(() => servers.map((): LoadResult[] => []));
  for (let round = 1; round <= rounds; round += 1) {
    process.stderr.write(`round ${round} of ${rounds}\n`);
    const running: ServerProcess[] = [];
    try {
      const targets: Omit<LoadJob, keyof ReturnType<typeof warmUp> | 'stallSeconds'>[] = [];
      for (const { name, transport, isSigned, command } of servers) {
        const port = await freePort();
        const process = await ServerProcess.start(command(port), port);
        running.push(process);
        targets.push({ server: name, port, serverPid: process.pid, isSigned, transport, app: APP });
      }
      const load = (shape: ReturnType<typeof warmUp>) =>
        runLoadProcess(
          targets.map((target) => ({ ...target, stallSeconds: STALL_SECONDS, ...shape })),
          SLICES,
        );
      await load(warmUp());
      for (const [index, shape] of shapes.entries()) {
        for (const [server, result] of (await load(shape.load)).entries()) measured[index]?.[server]?.push(result);
      }
    } finally {
      for (const process of running) await process.stop();
    }
  }
  return shapes.map(({ title }, index) => reportOf(title, servers, measured[index] ?? []));
}

function reportOf(title: string, servers: readonly Contestant[], results: readonly LoadResult[][]): DeliveryReport {
  const cost = ({ serverCpuMicroseconds, deliveries }: LoadResult) => serverCpuMicroseconds / deliveries;
  const of = (name: Contestant['name']) => results[servers.findIndex((server) => server.name === name)] ?? [];
  const streaming = of('streaming').map(cost);
  return {
    title,
    rows: servers.map(({ name }) => ({
      name,
      cpuMicroseconds: figure(of(name).map(cost)),
      perRead: figure(of(name).map(({ deliveries, reads }) => deliveries / reads)),
    })),
    ratios: (['a bare chunked response', 'WebSocket'] as const).map((to) => ({
      to,
      ratio: figure(of(to).map((result, round) => (streaming[round] ?? Number.NaN) / cost(result))),
    })),
    deliveries: results.flat().reduce((sum, { deliveries }) => sum + deliveries, 0),
  };
}
