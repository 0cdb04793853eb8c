import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import t, { type Test } from 'tap';
import { CLI_FROM_SOURCE, runIn, scratchFolder, startNode } from '../support/cli.ts';

const NAMES = ['JWT_SECRET', 'PUSHER_APP_ID', 'PUSHER_APP_KEY', 'PUSHER_APP_SECRET'];

function project(t: Test, files: Readonly<Record<string, string>>) {
  const folder = scratchFolder(t);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return { folder, read: (name: string) => readFileSync(join(folder, name), 'utf8') };
}

for (const [kind, manifest, rules] of [
  ['an ES module', '{"type":"module"}', 'config/channels.js'],
  ['CommonJS', '{"name":"old"}', 'config/channels.mjs'],
] as const) {
  t.test(`a project that is ${kind}: what init writes is served`, async (t) => {
    const { folder, read } = project(t, { 'package.json': manifest });
    const { code, stdout, stderr } = await runIn(folder, ['init']);
    t.match({ code, stderr }, { code: 0, stderr: '' });
    t.match(stdout, new RegExp(`^written ${rules}: .*\nwritten config/fanfare\\.json: .*\nwritten \\.env: `));
    const env = parseEnv(read('.env'));
    t.strictSame(Object.keys(env).sort(), NAMES);
    t.ok(Object.values(env).every((value) => (value ?? '').length >= 6));
    t.equal(statSync(join(folder, '.env')).mode & 0o077, 0, 'for nobody else to read');
    t.notOk(existsSync(join(folder, '.gitignore')), 'no repository');

    const server = startNode(t, [...CLI_FROM_SOURCE, 'serve', '--port', '0', '--host', '127.0.0.1'], folder, {});
    await server.shows(new RegExp(`"apps":\\["${env.PUSHER_APP_ID}"\\],"msg":"listening"`));
    t.equal(server.stderr(), '', 'nothing to warn of');
    server.child.kill('SIGTERM');
    t.equal(await server.exited(), 0);
  });
}

t.test('production, which does not read .env, says so and how to bring it in', async (t) => {
  const { folder, read } = project(t, { 'package.json': '{}' });
  await runIn(folder, ['init']);
  const env = { NODE_ENV: 'production' };
  const hint = /not set in the environment\nProduction does not read \.env: .* set -a; \. \.\/\.env; set \+a$/;
  for (const command of ['serve', 'check-config', 'channels']) {
    t.match(await runIn(folder, [command], env), { code: 1, stderr: hint }, command);
  }
  const doctor = await runIn(folder, ['doctor', '--json'], env);
  const advice = (JSON.parse(doctor.stdout) as { advice?: string }[]).map((finding) => finding.advice);
  t.match(advice, [undefined, undefined, undefined, /Production does not read \.env/], 'once, with the last');
  t.match(await runIn(folder, ['check-config'], { ...env, ...parseEnv(read('.env')) }), { code: 0, stderr: '' });
  const other = await runIn(folder, ['check-config', '--set', 'prot=1'], { ...env, ...parseEnv(read('.env')) });
  t.match(other, { code: 1, stderr: /did you mean port\?$/ }, 'if nothing of it is missing it is not mentioned');
  const foreign = project(t, { '.env/file': '' });
  t.match(await runIn(foreign.folder, ['check-config'], env), { code: 1, stderr: /problems:(\n {2}.*){5}$/ });
});

t.test('what is there stays, and what is missing in .env is added', async (t) => {
  const before = 'APP_NAME=shop\nPUSHER_APP_ID=7\nPUSHER_APP_KEY=\nPUSHER_APP_SECRET=mine';
  const files = { 'package.json': '{"type":"module"}', 'config/channels.mjs': 'mine', '.env': before, '.git/HEAD': '' };
  const { folder, read } = project(t, { ...files, '.gitignore': 'dist' });
  const first = await runIn(folder, ['init']);
  t.match(first, { code: 0, stdout: /^left {4}config\/channels\.mjs: it is there already\n/ });
  t.match(first.stdout, 'added to .env: PUSHER_APP_KEY, JWT_SECRET; keep it out of version control');
  t.equal(read('config/channels.mjs'), 'mine');
  t.ok(read('.env').startsWith(`${before}\n\n# Fanfare`));
  t.match(parseEnv(read('.env')), { APP_NAME: 'shop', PUSHER_APP_ID: '7', PUSHER_APP_SECRET: 'mine' });
  t.ok(parseEnv(read('.env')).PUSHER_APP_KEY);
  t.equal(read('.gitignore'), 'dist\n.env\n');

  const [env, ignored] = [read('.env'), read('.gitignore')];
  t.match(await runIn(folder, ['init']), { code: 0, stdout: /^left .*\nleft .*\nleft {4}\.env: .*\n\nNow:/ });
  t.strictSame([read('.env'), read('.gitignore')], [env, ignored], 'a second time changes nothing');
});

t.test('a folder that cannot be written into is a sentence', async (t) => {
  const { folder } = project(t, { config: 'a file' });
  t.match(await runIn(folder, ['init']), { code: 1, stdout: '', stderr: /^Cannot write into .*config/ });
});
