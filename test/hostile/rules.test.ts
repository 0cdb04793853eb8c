import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { signDevelopmentToken } from '../../src/auth/index.ts';
import { DEVELOPMENT_JWT_SECRET } from '../../src/config/development.ts';
import { scratchFolder, startServer } from '../support/cli.ts';
import { RawClient } from '../support/raw-client.ts';
import { send } from '../support/signed-api.ts';
import { APP, targetAt } from '../support/target.ts';
import { within } from '../support/wait.ts';

const RULES = `
export default {
  channels: {
    'ask.{url}': async (user, { url }, { ask }) => {
      const backend = Buffer.from(url, 'base64url').toString();
      const first = ask(backend + '/slow');
      const second = ask(backend + '/missing');
      await first;
      console.log('the second is looked at late');
      await second;
      return true;
    },
    'timer.{id}': () => {
      setTimeout(() => { throw new Error('thrown by a timer'); }, 5);
      return true;
    },
    'left.{id}': (user, params, context) => {
      setTimeout(() => void Promise.reject(new Error('left behind by ' + user.claims.secretive)), 5);
      return true;
    },
    'fine.{id}': () => true,
  },
};
`;

t.test('whatever a rule leaves uncaught refuses its own request at most', async (t) => {
  const backend = createServer((request, response) => {
    if (request.url === '/missing') response.writeHead(404).end('{}');
    else setTimeout(() => response.end('{}'), 300);
  }).listen(0, '127.0.0.1');
  t.teardown(() => backend.close());
  await new Promise((resolve) => backend.once('listening', resolve));
  const { port: backendPort } = backend.address() as AddressInfo;
  const rules = join(scratchFolder(t), 'rules.mjs');
  writeFileSync(rules, RULES);
  const { server, url } = await startServer(t, [], { FANFARE_AUTH_RULES_FILE: rules });
  const client = await RawClient.connect(t, targetAt(url, APP));
  const token = await signDevelopmentToken({ secret: DEVELOPMENT_JWT_SECRET, user: '7' });
  const ask = async (name: string) => {
    const body = new URLSearchParams({ socket_id: client.socketId, channel_name: `private-${name}` }).toString();
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded', Authorization: `Bearer ${token}` };
    return (await send(url, 'POST', '/broadcasting/auth', headers, body)).status;
  };
  const address = Buffer.from(`http://127.0.0.1:${backendPort}`).toString('base64url');
  t.equal(await ask(`ask.${address}`), 403, 'the second answer came while the first was waited for');
  await server.shows(/"msg":"a rule left an error uncaught"/);
  t.equal(await ask('timer.1'), 200);
  await server.shows(/"rule":"timer\.\{id\}","reason":"thrown by a timer","msg":"a rule left an error uncaught"/);
  t.equal(await ask('left.1'), 200);
  await server.shows(/"reason":"left behind by undefined"/);
  t.equal(await ask('fine.1'), 200);
  await client.fence();
  await server.shows(/the second is looked at late/);
  server.child.kill('SIGTERM');
  t.equal(await server.exited(), 0);
  t.notMatch(server.stderr(), /Warning/, 'Node writes no lines of its own, which nothing would bound');
});

t.test("a fault of the server's own ends in an orderly drain, and in exit code 1", async (t) => {
  const onSignal = "process.on('SIGUSR2', () => { Promise.reject(new Error('a fault of ours')); });";
  const { server, url } = await startServer(t, [], {
    FANFARE_SHUTDOWN_GRACE_SECONDS: '1',
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(onSignal)}`,
  });
  const client = await RawClient.connect(t, targetAt(url, APP));
  server.child.kill('SIGUSR2');
  t.equal((await within(client.closed, 'the close')).code, 4200, 'clients are sent elsewhere');
  t.equal(await server.exited(), 1);
  t.match(
    server.stdout(),
    /"level":50[^\n]*a fault of ours[^\n]*"msg":"a fault of the server that nobody caught: it stops"/,
  );
  t.match(server.stdout(), /"msg":"stopped"/);
});
