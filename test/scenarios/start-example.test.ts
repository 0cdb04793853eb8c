import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { freePort } from '../support/free-port.ts';
import { Child } from '../support/scenarios/child.ts';
import { call } from '../support/scenarios/example.ts';
import { startFanfare } from '../support/target.ts';
import { RUN_TYPESCRIPT } from '../support/typescript.ts';

const START = fileURLToPath(new URL('../../examples/start.ts', import.meta.url));
const target = await startFanfare(t);

for (const name of ['laravel-next-chat', 'creator-platform', 'team-chat', 'ai-assistant']) {
  t.test(`one command starts ${name}`, async (t) => {
    const env = { EXAMPLE_FANFARE_URL: target.origin, EXAMPLE_PORT: String(await freePort()) };
    const example = await Child.start(t, process.execPath, [RUN_TYPESCRIPT, START, name], { env });
    const line = await example.line(/open http/);
    const [, origin = ''] = /(http:\S+)\/both,/.exec(line) ?? [];
    t.match(await (await fetch(`${origin}/both`)).text(), /user=1.*user=2/s, 'two users side by side');
    t.match(await (await fetch(origin)).text(), /<!doctype html>/);
    t.match(await call(`${origin}/session?user=1`), { token: /^eyJ/, fanfare: { origin: target.origin } });
    example.signal('SIGTERM');
    t.equal(await example.exited, 0, 'and ends when asked to');
  });
}

t.test('a port that is taken gives way to the next one', async (t) => {
  const taken = createServer().listen(3000, '127.0.0.1');
  await once(taken, 'listening').catch((error: NodeJS.ErrnoException) => t.equal(error.code, 'EADDRINUSE'));
  t.teardown(() => taken.close());
  const env = { EXAMPLE_FANFARE_URL: target.origin };
  const example = await Child.start(t, process.execPath, [RUN_TYPESCRIPT, START, 'team-chat'], { env });
  await example.line(/Port 3000 is taken; trying the next one\. EXAMPLE_PORT chooses another\./);
  const [, port] = /:(\d+)\/both/.exec(await example.line(/open http/)) ?? [];
  t.ok(Number(port) > 3000);
});

t.test('one that is not there is told, with the names of those that are', async (t) => {
  const example = await Child.start(t, process.execPath, [RUN_TYPESCRIPT, START, 'nothing']);
  t.equal(await example.exited, 2);
  t.match(example.lines.join(), /ai-assistant \| creator-platform \| laravel-next-chat \| team-chat/);
});
