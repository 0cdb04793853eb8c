import { once } from 'node:events';
import { configSchema } from '../../src/config/schema.ts';
import { createServer } from '../../src/server.ts';

/** One node in a process of its own: its settings come as JSON; SIGTERM drains it. */
const server = createServer(configSchema.parse(JSON.parse(process.argv[2] ?? '{}')));
await server.start();
await once(process, 'SIGTERM');
await server.stop();
process.exit();
