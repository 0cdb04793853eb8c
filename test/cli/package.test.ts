import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ROOT, scratchFolder, startNode } from '../support/cli.ts';

/** What a stranger gets: the packed project, installed by npm into an empty folder. */
const folder = scratchFolder(t);
const app = join(folder, 'app');
mkdirSync(app);
npm(['pack', '--pack-destination', folder], ROOT);
const [tarball = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
npm(['install', '--prefer-offline', join(folder, tarball)], app);

function npm(args: readonly string[], cwd: string): void {
  // What the tests load into every Node is not for npm's, nor for the compiler that it starts.
  const apart = ['-u', 'NODE_OPTIONS', 'npm', ...args];
  const { status, stdout, stderr } = spawnSync('env', apart, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm ${args[0]} failed:\n${stdout}${stderr}`);
}

const BIN = join(app, 'node_modules/.bin/fanfare');
const ON_A_FREE_PORT = ['serve', '--port', '0', '--host', '127.0.0.1'];

t.test('serves from an empty folder, by the rules that come along', async (t) => {
  const server = startNode(t, [BIN, ...ON_A_FREE_PORT], app, {});
  const [, url = ''] = await server.shows(/Fanfare listens on ([^\s,]+)/);
  await server.shows(/the rules that Fanfare ships; "npx fanfare init" writes some to edit/);
  const token = startNode(t, [BIN, 'token', '--user', '42', '--domains', '7'], app, {});
  t.equal(await token.exited(), 0);
  const authorize = (channel: string) =>
    fetch(`${url}/broadcasting/auth`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token.stdout().trim()}` },
      body: new URLSearchParams({ socket_id: '1.2', channel_name: channel }),
    });
  t.equal((await authorize('private-domain.7')).status, 200);
  const refused = await authorize('private-domain.8');
  t.match({ status: refused.status, body: await refused.json() }, { status: 403, body: { code: 'rule_denied' } });
  server.child.kill('SIGTERM');
  t.equal(await server.exited(), 0);
});

t.test('in production it wants rules, and says how to get some', async (t) => {
  const env = { NODE_ENV: 'production', PUSHER_APP_ID: '1', PUSHER_APP_KEY: 'k', PUSHER_APP_SECRET: 's' };
  const secret = { JWT_SECRET: 'long-enough-for-production-I-should-think' };
  const server = startNode(t, [BIN, ...ON_A_FREE_PORT], app, { ...env, ...secret });
  t.equal(await server.exited(), 1);
  t.match(server.stderr(), /auth\.rulesFile: there is no file .*config\/channels\.js; npx fanfare init/);
});

t.test('an ES module named .js in a CommonJS project works, or says what to do', async (t) => {
  mkdirSync(join(app, 'old/config'), { recursive: true });
  writeFileSync(join(app, 'old/package.json'), '{}');
  writeFileSync(join(app, 'old/config/channels.js'), 'export default { channels: {} };');
  const server = startNode(t, [BIN, ...ON_A_FREE_PORT], join(app, 'old'), {});
  // Node looks into the file from 22.7 on.
  const [major = 0] = process.versions.node.split('.').map(Number);
  await server.shows(major >= 23 ? /"msg":"listening"/ : /"msg":"listening"|\.mjs, or write module\.exports = /);
});

const PROGRAM = `
import { ConfigError, createServer, defineRules, loadConfig } from 'fanfare';
import type { ChannelRules, Config, ConfigInput } from 'fanfare';

const rules: ChannelRules = defineRules({
  channels: {
    'room.{id}': (user, { id }, context) => user.claims.rooms === id && context.channel !== '',
  },
});
const apps = [{ id: '1', key: 'k', secret: 's' }];
const input: ConfigInput = { host: '127.0.0.1', port: 0, apps, log: { level: 'silent' } };
const server = createServer(input, { rules });
const { port } = await server.start();
const answer = await fetch(\`http://127.0.0.1:\${port}/ready\`);
await server.stop();

const { config }: { config: Config } = loadConfig({ env: { FANFARE_PORT: '7001' } });
createServer(config);
// @ts-expect-error: a key that does not exist
const wrong: ConfigInput = { prot: 1 };
let problems: readonly string[] = [];
try {
  createServer(wrong);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  problems = error.problems;
}
console.log(JSON.stringify({ ready: answer.status, port: config.port, problems }));
`;

t.test('as a library: typed, and it runs', async (t) => {
  const options = { module: 'NodeNext', target: 'ES2023', strict: true, types: ['node'], skipLibCheck: false };
  const typeRoots = [join(ROOT, 'node_modules/@types')];
  writeFileSync(join(app, 'program.mts'), PROGRAM);
  writeFileSync(
    join(app, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...options, typeRoots }, files: ['program.mts'] }),
  );
  const compiler = startNode(t, [join(ROOT, 'node_modules/typescript/lib/tsc.js'), '-p', app], app, {});
  t.equal(await compiler.exited(), 0, compiler.stdout());
  const program = startNode(t, [join(app, 'program.mjs')], app, {});
  t.equal(await program.exited(), 0, program.stderr());
  t.strictSame(JSON.parse(program.stdout()), {
    ready: 200,
    port: 7001,
    problems: ['prot: unknown key; did you mean port?'],
  });
});

t.test('holds what runs and what explains it, and nothing else', async (t) => {
  const installed = join(app, 'node_modules/fanfare');
  t.strictSame(readdirSync(installed).sort(), [
    ...['CHANGELOG.md', 'LICENSE', 'README.md', 'config', 'dist', 'docs', 'package.json'],
  ]);
  const files = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' });
  t.notOk(files.find((name) => name.endsWith('.map') || name.includes('test')));
  const { types, exports } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  t.ok(files.includes(types.replace('dist/', '')));
  t.equal(exports['.'].types, `./${types}`);
});
