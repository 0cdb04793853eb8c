import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { allCommands, run, runIn, scratchFolder } from '../support/cli.ts';
import { APP, JWT_SECRET, startFanfare } from '../support/target.ts';
import { until } from '../support/wait.ts';

const CREDENTIALS = { PUSHER_APP_ID: APP.id, PUSHER_APP_KEY: APP.key, PUSHER_APP_SECRET: APP.secret, JWT_SECRET };

/** The one line of JSON that a command prints. */
function parsed(stdout: string): unknown {
  return JSON.parse(stdout);
}

t.test('every command but the server itself, whose log is JSON, takes --json', async (t) => {
  const commands = (await allCommands()).filter(([name]) => name !== 'serve');
  t.ok(commands.length >= 15, commands.join(' '));
  for (const command of commands)
    t.match((await run([...command, '--help'])).stdout, /^ {2}--json {2,}print /m, command.join(' '));
});

t.test('token', async (t) => {
  const { code, stdout } = await run(['token', '--user', '42', '--domains', '7', '--json'], CREDENTIALS);
  t.equal(code, 0);
  t.match(parsed(stdout), { token: /^ey.*\..*\./, claims: { sub: '42', domains: ['7'], exp: Number } });
});

t.test('check-config: what is in force without a secret, or all that is wrong', async (t) => {
  const good = await run(['check-config', '--json', '--set', 'connections.maxPerIp=20'], CREDENTIALS);
  t.match(good, { code: 0, stderr: '' });
  const { settings, problems } = parsed(good.stdout) as {
    settings: { setting: string; value: unknown; from?: string }[];
    problems: string[];
  };
  t.strictSame(problems, []);
  t.strictSame(
    settings.find(({ setting }) => setting === 'connections.maxPerIp'),
    { setting: 'connections.maxPerIp', value: 20, from: '--set' },
  );
  t.strictSame(
    settings.find(({ setting }) => setting === 'port'),
    { setting: 'port', value: 6001 },
  );
  t.notMatch(good.stdout, new RegExp(`${APP.secret}|${JWT_SECRET}`));
  t.match(parsed((await run(['check-config', '--json'])).stdout), { warnings: [/Development credentials/] });

  const wrong = await run(['check-config', '--json', '--set', 'prot=1'], CREDENTIALS);
  t.match(wrong, { code: 1, stderr: '' });
  t.match(parsed(wrong.stdout), { problems: ['prot: unknown key (from --set); did you mean port?'] });
  const rules = await run(['check-config', '--json'], {
    ...CREDENTIALS,
    FANFARE_AUTH_RULES_FILE: import.meta.filename,
  });
  t.match(rules, { code: 1, stderr: '' });
  t.match(parsed(rules.stdout), { problems: [/^The rules do not load: /] });

  const development = { FANFARE_AUTH_RULES_FILE: import.meta.filename };
  for (const args of [['--set', 'prot=1'], []]) {
    const both = await run(['check-config', '--json', ...args], development);
    t.match(
      { ...both, ...Object(parsed(both.stdout)) },
      { code: 1, warnings: [/^Development/, /init/], problems: [/./] },
    );
  }
});

t.test('init', async (t) => {
  const { code, stdout } = await runIn(scratchFolder(t), ['init', '--json']);
  t.equal(code, 0);
  t.match(parsed(stdout), {
    files: [
      { file: 'config/channels.mjs', action: 'written', says: 'who may join which channel' },
      { file: 'config/fanfare.json', action: 'written' },
      { file: '.env', action: 'written', says: /JWT_SECRET/ },
    ],
  });
});

t.test('trigger and listen, with a server', async (t) => {
  const target = await startFanfare(t);
  const env = { ...CREDENTIALS, FANFARE_URL: target.origin };
  const lines: string[] = [];
  let stop: (() => void) | undefined;
  const listening = run(['listen', 'news', '--json'], env, {
    print: (line) => lines.push(line),
    onStopSignal: (listener) => {
      stop = () => listener('SIGINT');
    },
  });
  await until(async () => {
    t.match(await run(['trigger', 'news', 'rain', '{"mm":3}', '--json'], env), { code: 0, stdout: '{}' });
    if (lines.length === 0) await delay(50);
    return lines.length > 0;
  }, 'an event was printed');
  stop?.();
  t.match(await listening, { code: 0 });
  t.match(parsed(lines[0] ?? ''), { at: /^20.*Z$/, channel: 'news', event: 'rain', data: '{"mm":3}' });
});
