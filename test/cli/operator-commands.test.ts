import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import t from 'tap';
import { allCommands, run, scratchFolder } from '../support/cli.ts';
import { RawClient } from '../support/raw-client.ts';
import { APP, JWT_SECRET, startFanfare } from '../support/target.ts';

const CREDENTIALS = { PUSHER_APP_ID: APP.id, PUSHER_APP_KEY: APP.key, PUSHER_APP_SECRET: APP.secret, JWT_SECRET };

t.test('channels, users and disconnect ask a running server', async (t) => {
  const target = await startFanfare(t);
  const env = { ...CREDENTIALS, FANFARE_URL: target.origin };
  const client = await RawClient.connect(t, target);
  await client.subscribe('news');
  await client.subscribe('presence-lobby', JSON.stringify({ user_id: 'ada/1' }));
  t.match(await run(['channels'], env), { code: 0, stdout: 'news\t1\npresence-lobby\t1' });
  t.match(await run(['channels', 'presence-'], env), { stdout: 'presence-lobby\t1\t1' });
  const json = JSON.parse((await run(['channels', '--json'], env)).stdout) as object;
  t.match(json, { channels: { news: { subscription_count: 1 } } });
  t.match(await run(['users', 'presence-lobby'], env), { code: 0, stdout: 'ada/1' });
  t.match(await run(['users', 'news'], env), { code: 1, stderr: /'news' is not one/ });
  t.match(await run(['disconnect', 'ada/1'], env), {
    code: 0,
    stdout: 'Every node closes what user ada/1 has open, and refuses the tokens that were issued until now.',
  });
  t.equal((await client.closed).code, 4009);
  t.match(await run(['revoke', '--token-id', 'x', '--expires-at', '1767225600'], env), {
    code: 0,
    stdout: /Token x is/,
  });
  t.match(await run(['revoke', '--user', 'ada/1', '--json'], env), { code: 0, stdout: '{}' });
  t.match(await run(['revoke'], env), { code: 2, stderr: /either --token-id or --user/ });
  t.match(await run(['revoke', '--token-id', 'x', '--expires-at', 'soon'], env), {
    code: 2,
    stderr: /seconds since 1970/,
  });
  t.match(await run(['channels'], { ...env, PUSHER_APP_SECRET: 'another' }), { code: 1, stderr: /answered 401: / });
});

t.test('explain says which rule decided, and why', async (t) => {
  const granted = await run(['explain', 'private-domain.7', '--user', '42', '--domains', '7'], CREDENTIALS);
  t.match(granted, { code: 0, stdout: /✓ rule .*'domain\.\{domainId\}' matches with domainId=7/ });
  const token = (await run(['token', '--user', '42', '--domains', '7'], CREDENTIALS)).stdout;
  const refused = await run(['explain', 'private-domain.9', '--token', token], CREDENTIALS);
  t.match(refused, { code: 1, stdout: /✗ answer .*said no to user 42; .* looked at domains/, stderr: /rule_denied/ });
  t.match(await run(['explain', 'private-x', '--token', `${token}x`], CREDENTIALS), {
    code: 1,
    stderr: /token_bad_signature/,
  });
  t.match(await run(['explain', 'news', '--token', 'any'], CREDENTIALS), {
    code: 0,
    stdout: /✓ channel .*\n\nGranted: everybody may join news: a public channel takes no token\.$/,
  });
  t.match(await run(['explain', '#server-to-user-42', '--token', token], CREDENTIALS), {
    code: 1,
    stdout: /✗ channel .*pusher\.signin\(\)/,
  });
  const json = await run(['explain', 'private-nothing.1', '--token', token, '--json'], CREDENTIALS);
  t.match(JSON.parse(json.stdout), {
    outcome: 'refused',
    code: 'no_rule',
    user: { id: '42' },
    reason: /there are rules for/,
  });
  t.match(await run(['explain', 'private-x'], CREDENTIALS), { code: 2, stderr: /--token or --user/ });
});

t.test('migrate translates an environment, and what it writes is one', async (t) => {
  const file = join(scratchFolder(t), 'soketi.env');
  writeFileSync(
    file,
    [
      'SOKETI_DEFAULT_APP_ID=chat',
      'SOKETI_DEFAULT_APP_KEY=chat-key',
      `SOKETI_DEFAULT_APP_SECRET='a "secret"\\now'`,
      'SOKETI_DEFAULT_APP_MAX_CONNS=-1',
      'SOKETI_PATH_PREFIX=realtime/',
      'SOKETI_ADAPTER_DRIVER=redis',
      'SOKETI_UNHEARD_OF=1',
      'HOME=/root',
    ].join('\n'),
  );
  const { code, stdout } = await run(['migrate', file]);
  t.equal(code, 0);
  t.match(stdout, /# was SOKETI_DEFAULT_APP_ID\nPUSHER_APP_ID=chat\n/);
  t.equal(parseEnv(stdout).PUSHER_APP_SECRET, 'a "secret"\\now');
  t.match(stdout, /# {3}SOKETI_ADAPTER_DRIVER: .*REDIS_URL/);
  t.match(stdout, /# {3}SOKETI_UNHEARD_OF: has no counterpart/);
  t.notMatch(stdout, /HOME/);
  const { written } = JSON.parse((await run(['migrate', file, '--json'])).stdout) as {
    written: { name: string; value: string }[];
  };
  const env = Object.fromEntries(written.map(({ name, value }) => [name, value]));
  const checked = await run(['check-config'], { ...env, JWT_SECRET });
  t.match(checked, { code: 0, stdout: /pathPrefix = \/realtime/ });
  t.match(checked, { stdout: /apps\[0\]\.limits\.maxConnections = 0/ });

  const reverb = await run(['migrate'], {
    REVERB_APP_KEY: 'k',
    REVERB_HOST: 'ws.example.com',
    PUSHER_APP_CLUSTER: 'eu',
  });
  t.match(reverb, {
    code: 0,
    stdout: /PUSHER_APP_KEY=k\n\n.*\n# {3}REVERB_HOST: .*leave it as it is\n# {3}PUSHER_APP_CLUSTER/,
  });
  t.match(await run(['migrate'], {}), { code: 1, stderr: /There are no variables/ });
});

t.test('commands that do not exist are told, with the nearest', async (t) => {
  t.match(await run(['triger', 'a']), { code: 2, stderr: /^There is no command 'triger'; did you mean trigger\?/ });
  t.match(await run(['help', 'triger']), { code: 2, stderr: /did you mean trigger\?/ });
  t.match(await run(['trigger', '--sokcet-id', 'x']), { code: 2, stderr: /Did you mean --socket-id\?/ });
  t.match(await run(['webhooks', 'lsit']), { code: 2, stderr: /unknown command 'lsit'\n\(Did you mean list\?\)/ });
  t.match(await run(['frobnicate']), { code: 2, stderr: /there are serve, init, .*doctor/ });
});

t.test('every command shows examples', async (t) => {
  const commands = await allCommands();
  t.ok(commands.length >= 16, commands.join(' '));
  t.match((await run(['--help'])).stdout, /Examples:\n {2}fanfare /);
  const [, listed = ''] = (await run(['--help'])).stdout.split('Commands:\n');
  t.strictSame(
    listed.split('\n').filter((line) => line.length > 80),
    [],
    'the list of commands fits a terminal',
  );
  for (const command of [...commands, ['webhooks']]) {
    const { stdout } = await run([...command, '--help']);
    t.match(stdout, /Examples:\n {2}(?:\w+=\w+ )?(?:npx )?fanfare /, command.join(' '));
    t.notMatch(stdout, /default: (?:\[\]|""|\d{3,4}\))/, `${command.join(' ')}: defaults are in words`);
  }
});

t.test('what keeps a command from the server is said in words', async (t) => {
  const env = (url: string) => ({ ...CREDENTIALS, FANFARE_URL: url });
  const target = await startFanfare(t);
  t.match(await run(['channels'], env('http://nowhere.invalid')), {
    code: 1,
    stderr: /there is no host of that name|cannot be looked up now/,
  });
  t.match(await run(['channels'], env(target.origin.replace('http:', 'https:'))), {
    code: 1,
    stderr: /does not speak TLS/,
  });
});

t.test('variables of soketi and Reverb are noticed at start, and by doctor', async (t) => {
  const busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  t.teardown(() => busy.close());
  const { port } = busy.address() as AddressInfo;
  const env = { ...CREDENTIALS, SOKETI_PORT: '7', REVERB_SCALING_ENABLED: 'true', REVERB_HOST: 'of the application' };
  const noticed =
    /^Variables of another server do nothing here: SOKETI_PORT \(here: FANFARE_PORT\), REVERB_SCALING_ENABLED\. "fanfare/m;
  const serve = ['serve', '--host', '127.0.0.1', '--port', String(port)];
  t.match(await run(serve, { ...env, FANFARE_ADMIN_ENABLED: 'false', FANFARE_LOG_LEVEL: 'silent' }), {
    code: 1,
    stderr: noticed,
  });
  t.match((await run(['doctor', '--json'], env)).stdout, /Variables of another server do nothing here: SOKETI_PORT/);
  t.notMatch((await run(['doctor', '--json'], CREDENTIALS)).stdout, /another server/);
});
