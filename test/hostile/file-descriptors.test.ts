import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { warnOfLowLimit } from '../../src/transport/file-descriptors.ts';
import { ROOT } from '../support/cli.ts';
import { recordingLogger } from '../support/fakes.ts';
import { freePort } from '../support/free-port.ts';
import { send } from '../support/signed-api.ts';
import { RUN_TYPESCRIPT } from '../support/typescript.ts';
import { until } from '../support/wait.ts';

const onLinux = { skip: process.platform !== 'linux' && 'reads /proc' };
const LIMIT = 120;

/** CPU time so far, in clock ticks of 10 ms. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

t.test('a node that runs out of file descriptors says so once, does not spin, and recovers', onLinux, async (t) => {
  const port = await freePort();
  const command = `ulimit -n ${LIMIT}; exec "$0" "$@"`;
  const args = [RUN_TYPESCRIPT, join(ROOT, 'src/cli.ts')];
  const child = spawn('sh', ['-c', command, process.execPath, ...args], {
    cwd: t.testdir(),
    env: {
      PATH: process.env.PATH,
      FANFARE_HOST: '127.0.0.1',
      FANFARE_PORT: String(port),
      FANFARE_AUTH_ENABLED: 'false',
      FANFARE_CONNECTIONS_MAX: '5000',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  await until(() => log.includes('"msg":"listening"'), 'the start', 30_000);
  t.match(log, /"limit":120,"maxConnections":5000,"needed":5100,"msg":"fewer file descriptors than/);

  const sockets: Socket[] = [];
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  const isOut = () => log.includes('"msg":"out of file descriptors');
  await until(
    async () => {
      for (let i = 0; i < 20; i += 1) sockets.push(connect(port, '127.0.0.1').on('error', () => undefined));
      await pause(100);
      return isOut();
    },
    'the warning',
    20_000,
  );
  const before = cpuTicks(child.pid ?? 0);
  await pause(1500);
  const usedShare = (cpuTicks(child.pid ?? 0) - before) / 150;
  t.ok(usedShare < 0.5, `${Math.round(usedShare * 100)} % of a core`);
  t.equal(log.split('"msg":"out of file descriptors').length - 1, 1, 'it says so once');

  for (const socket of sockets) socket.destroy();
  const answers = () => send(`http://127.0.0.1:${port}`, 'GET', '/').then((answer) => answer.status === 200);
  await until(() => answers().catch(() => false), 'it takes connections again', 20_000);
  await until(() => log.includes('"msg":"file descriptors are free: connections are taken again"'), 'the log says so');
});

t.test('the start warns of a limit below what is configured, and of no other', async (t) => {
  const { logger, lines } = recordingLogger();
  warnOfLowLimit(0, 100, logger);
  warnOfLowLimit(900, 1024, logger);
  warnOfLowLimit(900, undefined, logger);
  t.equal(lines.length, 0);
  warnOfLowLimit(1000, 1024, logger);
  t.match(lines, [{ level: 'warn', fields: { limit: 1024, maxConnections: 1000, needed: 1100 } }]);
});
