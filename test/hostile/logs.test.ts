import { type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ROOT } from '../support/cli.ts';
import { freePort } from '../support/free-port.ts';
import { RawClient } from '../support/raw-client.ts';
import { SignedApi } from '../support/signed-api.ts';
import { APP, targetAt } from '../support/target.ts';
import { RawSocket, startLogged } from '../support/transport.ts';
import { RUN_TYPESCRIPT } from '../support/typescript.ts';
import { until, within } from '../support/wait.ts';

const SERVE = [RUN_TYPESCRIPT, join(ROOT, 'src/cli.ts')];

/** A server whose stdout is what the test says, and which writes every refusal. */
function startWithStdout(t: Test, stdout: 'pipe' | number) {
  return startCommand(t, [process.execPath, ...SERVE], ['ignore', stdout, 'ignore']);
}

/** The same in a terminal: what is written to the child's stdin is typed there. */
async function startInTerminal(t: Test) {
  const line = `echo pid=$$; exec ${[process.execPath, ...SERVE].map((word) => `'${word}'`).join(' ')}`;
  const started = startCommand(t, ['script', '--quiet', '--return', '--command', line, '/dev/null'], 'pipe');
  let shown = '';
  const { child, ...rest } = await started;
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  await until(() => /pid=\d+/.test(shown), 'its process id');
  return { child, ...rest, pid: Number(/pid=(\d+)/.exec(shown)?.[1]) };
}

async function startCommand(t: Test, [file = '', ...args]: readonly string[], stdio: StdioOptions) {
  const port = await freePort();
  const child = spawn(file, args, {
    cwd: t.testdir(),
    env: {
      PATH: process.env.PATH,
      FANFARE_HOST: '127.0.0.1',
      FANFARE_PORT: String(port),
      FANFARE_AUTH_ENABLED: 'false',
      FANFARE_ADMIN_ENABLED: 'false',
      FANFARE_SHUTDOWN_GRACE_SECONDS: '0',
      FANFARE_LOG_REPEATS_PER_MINUTE: '0',
      FANFARE_LOG_MAX_WAITING_BYTES: '64KB',
    },
    stdio,
  });
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>;
  t.teardown(() => child.kill('SIGKILL'));
  const api = new SignedApi(targetAt(`http://127.0.0.1:${port}`, APP));
  await until(
    () =>
      api
        .get('/channels')
        .then((answer) => answer.status === 200)
        .catch(() => false),
    'a start',
    30_000,
  );
  return { child, exit, api, port };
}

/** More log lines than a pipe and the server's own memory for them hold. */
async function refusals(api: SignedApi, count = 800): Promise<void> {
  const path = `/apps/app-id/channels/${'x'.repeat(180)}`;
  for (let sent = 0; sent < count; sent += 50) {
    await Promise.all(Array.from({ length: 50 }, () => api.request({ path, secret: 'wrong' })));
  }
}

async function serves(t: Test, api: SignedApi): Promise<void> {
  t.equal((await api.post('/events', { name: 'e', channels: ['c'], data: '{}' })).status, 200, 'it serves');
}

t.test('a reader of the log that has stuck costs log lines, and nothing else', async (t) => {
  const { child, exit, api } = await startWithStdout(t, 'pipe');
  await refusals(api);
  await serves(t, api);
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (read: string) => {
    text += read;
  });
  await until(() => /"lines":\d+,"msg":"log lines were dropped/.test(text), 'what was dropped is told');
  const whole = text.slice(0, text.lastIndexOf('\n')).split('\n');
  for (const line of whole) if (line.startsWith('{')) JSON.parse(line);
  child.stdout?.pause();
  await refusals(api);
  await serves(t, api);
  child.kill('SIGTERM');
  t.strictSame(await within(exit, 'the end of the process', 15_000), [0, null]);
});

t.test('a full disk under the log', { skip: process.platform !== 'linux' && 'needs /dev/full' }, async (t) => {
  const full = openSync('/dev/full', 'w');
  t.teardown(() => closeSync(full));
  const { child, exit, api } = await startWithStdout(t, full);
  await refusals(api, 50);
  await serves(t, api);
  child.kill('SIGTERM');
  t.strictSame(await within(exit, 'the end of the process', 15_000), [0, null]);
});

t.test('a reader of the log that has gone', async (t) => {
  const { child, exit, api } = await startWithStdout(t, 'pipe');
  child.stdout?.destroy();
  await refusals(api, 50);
  await serves(t, api);
  child.kill('SIGTERM');
  t.strictSame(await within(exit, 'the end of the process', 15_000), [0, null]);
});

t.test(
  'a terminal that is stopped, as Ctrl-S does',
  { skip: process.platform !== 'linux' && 'needs script' },
  async (t) => {
    const { child, exit, api, pid } = await startInTerminal(t);
    t.teardown(() => {
      if (child.exitCode === null) process.kill(pid, 'SIGKILL');
    });
    child.stdin?.write('\x13');
    await refusals(api);
    await serves(t, api);
    process.kill(pid, 'SIGTERM');
    t.strictSame(await within(exit, 'the end of the process', 15_000), [0, null]);
  },
);

t.test('a terminal that is closed', { skip: process.platform !== 'linux' && 'needs script' }, async (t) => {
  const { child, exit, api, pid } = await startInTerminal(t);
  process.kill(pid, 'SIGHUP');
  await serves(t, api);
  child.kill('SIGKILL');
  await exit;
  const gone = () =>
    api.get('/channels').then(
      () => false,
      () => true,
    );
  t.teardown(async () => {
    if (!(await gone())) process.kill(pid, 'SIGKILL');
  });
  await t.resolves(until(gone, 'the end of the server'), 'nothing is left behind that holds the port');
});

t.test('a terminal finds nothing to obey in what strangers send', async (t) => {
  const { child, port } = await startWithStdout(t, 'pipe');
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (read: string) => {
    text += read;
  });
  // A control sequence that begins with one character, ends of lines, and text that runs backwards.
  const path = '/apps/\u009b31m\u0085\u2028\u202e/events';
  const attacker = await RawSocket.connect(t, port);
  attacker.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(600)}`);
  await until(() => text.includes('too many small chunks'), 'the line');
  t.match(text, '/apps/\\u009b31m\\u0085\\u2028\\u202e/events');
  t.notMatch(text, /[\u007f-\u009f\u2028-\u202e]/);
});

t.test('refusals of one cause from one address are summed up in one line', async (t) => {
  const { server, target, log } = await startLogged(t);
  const client = await RawClient.connect(t, target);
  // As many as one connection may try in a second, but for the last.
  for (let i = 0; i < 999; i += 1) {
    client.send(`{"event":"pusher:subscribe","data":{"channel":"private-${i}","auth":"app-key:wrong"}}`);
  }
  client.send({ event: 'pusher:subscribe', data: { channel: 'last' } });
  await client.next('pusher_internal:subscription_succeeded', 20_000);
  const api = new SignedApi(target);
  for (let i = 0; i < 20; i += 1) await api.request({ path: '/apps/app-id/channels', secret: 'wrong' });
  await server.stop();
  const refused = log.filter(({ msg }) => msg === 'subscription refused');
  t.equal(refused.length, 6);
  t.match(refused.at(-1), { ip: '127.0.0.1', repeated: 994 });
  const unsigned = log.filter(({ msg }) => msg === 'API request refused');
  t.equal(unsigned.length, 6);
  t.match(unsigned.at(-1), { status: 401, repeated: 15 });
});
