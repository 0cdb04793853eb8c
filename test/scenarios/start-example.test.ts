import { fileURLToPath } from 'node:url';
import t from 'tap';
import { freePort } from '../support/free-port.ts';
import { Child } from '../support/scenarios/child.ts';
import { call } from '../support/scenarios/example.ts';
import { startFanfare } from '../support/target.ts';

const START = fileURLToPath(new URL('../../examples/start.ts', import.meta.url));
const target = await startFanfare(t);

for (const name of ['laravel-next-chat', 'creator-platform', 'team-chat', 'ai-assistant']) {
  t.test(`one command starts ${name}`, async (t) => {
    const env = { EXAMPLE_FANFARE_URL: target.origin, EXAMPLE_PORT: String(await freePort()) };
    const example = await Child.start(t, process.execPath, ['--import=tsx', START, name], { env });
    const line = await example.line(/open http/);
    const [origin = ''] = /http:\S+/.exec(line) ?? [];
    t.match(await (await fetch(origin)).text(), /<!doctype html>/);
    t.match(await call(`${origin}/session?user=1`), { token: /^eyJ/, fanfare: { origin: target.origin } });
    example.signal('SIGTERM');
    t.equal(await example.exited, 0, 'and ends when asked to');
  });
}

t.test('one that is not there is told, with the names of those that are', async (t) => {
  const example = await Child.start(t, process.execPath, ['--import=tsx', START, 'nothing']);
  t.equal(await example.exited, 2);
  t.match(example.lines.join(), /ai-assistant \| creator-platform \| laravel-next-chat \| team-chat/);
});
