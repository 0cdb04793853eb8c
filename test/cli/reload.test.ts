import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { run, scratchFolder, startServer } from '../support/cli.ts';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { JWT_SECRET, targetAt } from '../support/target.ts';

const APP = { id: 'one', key: 'one-key', secret: 'one-secret' };
const OTHER = { id: 'two', key: 'two-key', secret: 'two-secret' };

/** A server with a configuration and rules of its own that a test can write anew. */
async function startConfigured(t: Test, env: Record<string, string> = {}) {
  const folder = scratchFolder(t);
  const file = join(folder, 'fanfare.json');
  const rules = join(folder, 'channels.mjs');
  const configure = (changes: object) =>
    writeFileSync(
      file,
      JSON.stringify({ apps: [APP], auth: { rulesFile: rules, jwt: { secret: JWT_SECRET } }, ...changes }),
    );
  const allow = (answer: string) =>
    writeFileSync(rules, `export default { channels: { 'room.{id}': () => ${answer} } };`);
  configure({});
  allow('false');
  const args = ['-c', file];
  const { server, url } = await startServer(t, args, { FANFARE_AUTH_RULES_FILE: '', FANFARE_ADMIN_PORT: '0', ...env });
  const [, admin] = await server.shows(/"admin":"([^"]+)"/);
  const token = (await run(['token', '--user', '7', ...args], { FANFARE_AUTH_RULES_FILE: '' })).stdout;
  const authorize = async () => {
    const body = new URLSearchParams({ socket_id: '1.1', channel_name: 'private-room.1', app_key: APP.key });
    const headers = { Authorization: `Bearer ${token}` };
    return (await fetch(`${url}/broadcasting/auth`, { method: 'POST', headers, body })).status;
  };
  const reload = () => run(['reload', '--admin', `http://${admin}`, ...args], { FANFARE_AUTH_RULES_FILE: '' });
  return { server, url, file, rules, configure, allow, authorize, reload };
}

t.test('SIGHUP and fanfare reload read apps and rules anew, and no connection notices', async (t) => {
  const { server, url, file, rules, configure, allow, authorize, reload } = await startConfigured(t, {
    NODE_ENV: 'production',
  });
  const client = await RawClient.connect(t, targetAt(url, APP));
  t.equal((await RawClient.open(t, targetAt(url, OTHER)).closed).code, 4001);
  t.equal(await authorize(), 403);

  configure({ apps: [APP, OTHER], auth: { appId: 'one', rulesFile: rules, jwt: { secret: JWT_SECRET } }, port: 7001 });
  allow('true');
  server.child.kill('SIGHUP');
  const [line] = await server.shows(/.*"msg":"configuration reloaded".*/);
  t.match(JSON.parse(line), { changes: ['app two is new', String, String] });
  await RawClient.connect(t, targetAt(url, OTHER));
  t.equal(await authorize(), 200);
  await client.fence();

  configure({ apps: [{ ...APP, limits: { maxEventBytes: 'much' } }] });
  t.match(await reload(), {
    code: 1,
    stderr: /^Nothing has changed\. .*\n {2}apps\[0\]\.limits\.maxEventBytes: must be a size/,
  });
  server.child.kill('SIGHUP');
  await server.shows(/"problems":\["apps\[0\]\.limits\.maxEventBytes: must be.*not reloaded: the former one stays/);
  writeFileSync(rules, 'export default { channels: { } ');
  configure({});
  t.match(await reload(), { code: 1, stderr: /Nothing has changed:\n {2}.*channels\.mjs: Unexpected end/ });
  t.match(await run(['check-config', '-c', file], { FANFARE_AUTH_RULES_FILE: '' }), {
    code: 1,
    stderr: /rules do not load/,
  });
  t.equal(await authorize(), 200, 'the former rules hold');
  await RawClient.connect(t, targetAt(url, OTHER));
  await client.fence();

  allow('false');
  const api = new SignedApi(targetAt(url, APP));
  await api.trigger('room', 'before', '{}');
  configure({ log: { format: 'text', levels: { events: 'debug' } } });
  t.match(await reload(), {
    code: 0,
    stdout: /app two is gone\nlog\.levels\.events has changed\n.*\nlog\.format waits for a restart/s,
  });
  await api.trigger('room', 'after', '{}');
  await server.shows(/"event":"after".*"msg":"event accepted"/);
  t.notMatch(server.stdout(), /"event":"before"/);
  configure({});
  t.match(await reload(), { code: 0, stdout: /log\.levels\.events has changed/ });
  t.equal(await authorize(), 403);
  await client.fence();
  rmSync(rules);
  t.match(await reload(), { code: 1, stderr: /there is no file/ });
});

t.test('rules are read anew when authorization is turned on again', async (t) => {
  const { configure, allow, authorize, reload } = await startConfigured(t);
  t.equal(await authorize(), 403);
  configure({ auth: { enabled: false } });
  t.match(await reload(), { code: 0, stdout: /auth\.enabled has changed/ });
  allow('true');
  configure({});
  t.match(await reload(), { code: 0 });
  t.equal(await authorize(), 200);
});

t.test('in development a change of the rules file is enough', async (t) => {
  const { server, allow, authorize } = await startConfigured(t);
  t.equal(await authorize(), 403);
  allow('true');
  await server.shows(/configuration reloaded/);
  t.equal(await authorize(), 200);
});
