import { once } from 'node:events';
import { configSchema } from '../../src/config/schema.ts';
import { createServer } from '../../src/server.ts';

/** One node in a process of its own: its settings come as JSON, its port goes out as a message; SIGTERM drains it. */
const server = createServer(configSchema.parse(JSON.parse(process.argv[2] ?? '{}')));
const { port } = await server.start();
process.send?.(port);
await once(process, 'SIGTERM');
await server.stop();
process.exit();
