import { type ConfigInput, configSchema } from '../../../src/config/schema.ts';
import { createServer } from '../../../src/server.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as ConfigInput;
const server = createServer(configSchema.parse(settings));
process.on('message', () => {
  void server.stop().then(() => process.disconnect());
});
process.send?.((await server.start()).port);
