import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { freePort } from '../support/free-port.ts';
import { Child } from '../support/scenarios/child.ts';
import { startFanfare } from '../support/target.ts';

const SCRIPT = fileURLToPath(new URL('../../docker/healthcheck.mjs', import.meta.url));

async function check(t: Parameters<typeof Child.start>[0], env: Record<string, string>, ...args: string[]) {
  const child = await Child.start(t, process.execPath, [SCRIPT, ...args], { env });
  return { code: await child.exited, said: child.lines.join('\n') };
}

t.test('a node that serves is healthy', async (t) => {
  const { port } = new URL((await startFanfare(t)).origin);
  const { code, said } = await check(t, { FANFARE_PORT: port });
  t.equal(code, 0, said);
});

t.test('a node that is not there, and one that is not ready, are not', async (t) => {
  const nowhere = await check(t, { FANFARE_PORT: String(await freePort()) });
  t.equal(nowhere.code, 1);
  t.match(nowhere.said, /ECONNREFUSED/);

  const draining = createServer((_, response) => response.writeHead(503).end('not ready')).listen(0, '127.0.0.1');
  t.teardown(() => draining.close());
  await once(draining, 'listening');
  const { port } = draining.address() as AddressInfo;
  const notReady = await check(t, {}, `http://127.0.0.1:${port}/ready`);
  t.equal(notReady.code, 1);
  t.match(notReady.said, /503/);
});
