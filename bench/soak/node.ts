import { once } from 'node:events';
import { type Config, type ConfigInput, configSchema } from '../../src/config/schema.ts';
import { createServer } from '../../src/server.ts';

/** What a node is asked, and `stop`. */
export type Order = 'measure' | 'reload' | 'stop';

/** What a node holds. */
export interface Holdings {
  /** Of the JavaScript heap, after a collection. */
  readonly heapBytes: number;
  /** Buffers outside of the heap. */
  readonly externalBytes: number;
  readonly residentBytes: number;
  /** Sockets, timers and other things of the event loop, by kind. */
  readonly resources: Readonly<Record<string, number>>;
}

/** A node that tells what it holds and reloads its configuration, by messages. */
const input = JSON.parse(process.argv[2] ?? '{}') as ConfigInput;
let reloads = 0;

/** Every other time, another limit: so a reload is not over before it has begun. */
function readConfig(): Config {
  reloads += 1;
  const apps = (input.apps ?? []).map((app) => ({
    ...app,
    limits: { ...app.limits, maxPresenceMembers: 100 + (reloads % 2) },
  }));
  return configSchema.parse({ ...input, apps });
}

function holdings(): Holdings {
  // Twice: what finalizers let go of goes with the second.
  for (let turn = 0; turn < 2; turn += 1) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return { heapBytes: heapUsed, externalBytes: external, residentBytes: rss, resources };
}

const server = createServer(configSchema.parse(input), { readConfig });
const { port } = await server.start();
process.send?.(port);
for (;;) {
  const [order] = (await once(process, 'message')) as [Order];
  if (order === 'stop') break;
  if (order === 'reload') process.send?.(await server.reload());
  else process.send?.(holdings());
}
await server.stop();
process.exit();
