import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { descriptorFindings } from '../../src/cli/doctor/set-up.ts';
import { configSchema } from '../../src/config/schema.ts';
import { CERTIFICATE, CERTIFICATE_KEY } from '../support/certificate.ts';
import { type CommandResult, run, scratchFolder } from '../support/cli.ts';
import { freePort } from '../support/free-port.ts';
import { startRedis, startSentinels } from '../support/redis-server.ts';
import { Child } from '../support/scenarios/child.ts';
import { NGINX } from '../support/scenarios/nginx.ts';
import { APP, JWT_SECRET, startFanfare } from '../support/target.ts';
import { until } from '../support/wait.ts';

const ENV = {
  PUSHER_APP_ID: 'chat',
  PUSHER_APP_KEY: 'chat-key',
  PUSHER_APP_SECRET: 'chat-secret',
  JWT_SECRET,
  FANFARE_CONNECTIONS_PING_INTERVAL_SECONDS: '2',
};
const OWN_APP = { id: 'chat', key: 'chat-key', secret: 'chat-secret' };

const PASSED_ON =
  'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; proxy_buffering off;';

/** A real nginx in front of a port, with these directives in its one location; answers with its URL. */
async function startNginx(t: Test, port: number, directives: string, tls = false): Promise<string> {
  const folder = scratchFolder(t);
  chmodSync(folder, 0o755);
  const own = await freePort();
  const names = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  for (const name of names) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'cert.pem'), CERTIFICATE);
  writeFileSync(join(folder, 'key.pem'), CERTIFICATE_KEY);
  const file = join(folder, 'nginx.conf');
  const encrypted = tls ? `ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;` : '';
  writeFileSync(
    file,
    `pid ${folder}/nginx.pid; error_log stderr; worker_processes 1; events { worker_connections 100; }
http {
  access_log off; ${names.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server {
    listen 127.0.0.1:${own}${tls ? ' ssl' : ''}; ${encrypted}
    location / { proxy_pass http://127.0.0.1:${port}; ${directives} }
  }
}`,
  );
  await Child.start(t, NGINX ?? 'nginx', ['-e', 'stderr', '-p', folder, '-c', file, '-g', 'daemon off;']);
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${own}`;
  const listens = () =>
    fetch(url).then(...([() => true, (error: Error) => !/ECONNREFUSED/.test(String(error.cause))] as const));
  await until(listens, 'nginx listens');
  return url;
}

function findingsOf({ stdout }: CommandResult): readonly Finding[] {
  return JSON.parse(stdout) as Finding[];
}

/** The names of what is wrong, and that nothing else is. */
function wrong(result: CommandResult): string[] {
  return findingsOf(result)
    .filter(({ level, check }) => level === 'problem' && check !== 'file descriptors')
    .map(({ check }) => check);
}

function advised(t: Test, result: CommandResult, check: string, says: RegExp): void {
  t.equal(result.code, 1);
  t.strictSame(wrong(result), [check]);
  const finding = findingsOf(result).find((one) => one.check === check);
  t.match(finding, { says, advice: /.{20,}\.$/ });
}

const doctor = (args: readonly string[] = [], env: Record<string, string> = {}) =>
  run(['doctor', '--json', ...args], { ...ENV, ...env });

t.test('a set-up that is in order, seen through nginx', async (t) => {
  const target = await startFanfare(t, { apps: [OWN_APP], connections: { pingIntervalSeconds: 2 } });
  const url = await startNginx(t, target.port, PASSED_ON);
  const token = (await run(['token', '--user', '42', '--domains', '7'], ENV)).stdout;
  const result = await doctor(['--url', url, '--token', token, '--channel', 'private-domain.7']);
  t.strictSame(wrong(result), []);
  const good = findingsOf(result).filter(({ level }) => level === 'ok');
  t.match(
    good.map(({ check }) => check),
    ['configuration', 'secrets', 'rules'],
  );
  for (const check of ['authorization', 'public URL', 'WebSocket', 'timeouts', 'buffering'])
    t.ok(
      good.some((finding) => finding.check === check),
      check,
    );
});

t.test('with several apps a token is tried for the app that is named, or the first', async (t) => {
  const second = {
    FANFARE_APPS_1_ID: 'shop',
    FANFARE_APPS_1_KEY: 'shop-key',
    FANFARE_APPS_1_SECRET: 'shop-secret',
    FANFARE_APPS_1_LIMITS_MAX_CHANNEL_NAME_LENGTH: '5',
  };
  const token = (await run(['token', '--user', '42', '--domains', '7'], ENV)).stdout;
  const asked = ['--token', token, '--channel', 'private-domain.7'];
  t.strictSame(wrong(await doctor(asked, second)), []);
  advised(t, await doctor([...asked, '--app', 'shop'], second), 'authorization', /channel_name_invalid/);
});

t.test('1: a configuration that does not hold', async (t) => {
  advised(t, await doctor([], { FANFARE_PORT: 'eleven' }), 'configuration', /port: must be a whole number/);
});

t.test('2: rules that do not load', async (t) => {
  const file = join(scratchFolder(t), 'channels.mjs');
  writeFileSync(file, 'export default { channel: {} };');
  advised(t, await doctor([], { FANFARE_AUTH_RULES_FILE: file }), 'rules', /unknown key 'channel'/);
});

t.test('3: the published secrets', async (t) => {
  const { secret } = APP;
  advised(t, await doctor([], { PUSHER_APP_SECRET: secret }), 'secrets', /development credentials are in use/);
});

t.test("4: a clock that is not Redis's", async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const env = { REDIS_URL: redis.url };
  t.strictSame(wrong(await doctor([], env)), []);
  const late = await run(['doctor', '--json'], { ...ENV, ...env }, { now: () => Date.now() - 90_000 });
  advised(t, late, 'clock', /(89|90|91)\.\d s apart/);
  await redis.kill();
  advised(t, await doctor([], env), 'Redis', /no server listens there/);
});

t.test('4: Redis behind sentinels is looked at where it is', async (t) => {
  const sentinels = await startSentinels();
  t.teardown(() => sentinels.stop());
  const findings = findingsOf(await doctor([], { REDIS_URL: sentinels.url }));
  t.match(
    findings.find(({ check }) => check === 'Redis'),
    { level: 'ok', says: /^version \d/ },
  );
  t.match(
    findings.find(({ check }) => check === 'clock'),
    { level: 'ok' },
  );
});

t.test('5: too few file descriptors', async (t) => {
  const limits = join(scratchFolder(t), 'limits');
  writeFileSync(
    limits,
    'Limit                     Soft Limit  Hard Limit  Units\nMax open files            1024        4096        files\n',
  );
  const config = (max: number) =>
    configSchema.parse({ apps: [OWN_APP], auth: { enabled: false }, connections: { max } });
  const found = (max: number) => descriptorFindings(config(max), limits);
  t.match(found(5000), [{ level: 'problem', says: /1024 files: too few for the 5000/, advice: /LimitNOFILE/ }]);
  t.match(found(0), [{ level: 'problem', says: /enough for about 824 clients/ }]);
});

t.test('what stands before the server', async (t) => {
  const target = await startFanfare(t, { apps: [OWN_APP], connections: { pingIntervalSeconds: 2 } });
  const through = async (t: Test, directives: string, args: readonly string[] = ['--quick'], tls = false) =>
    await doctor(['--url', await startNginx(t, target.port, directives, tls), ...args]);

  t.test('6: an upgrade that is not passed on', async (t) => {
    advised(t, await through(t, 'proxy_http_version 1.1;'), 'WebSocket upgrade', /does not pass WebSockets on/);
  });
  t.test('7: a timeout that is shorter than the pings', async (t) => {
    advised(
      t,
      await through(t, `${PASSED_ON} proxy_read_timeout 1s;`, []),
      'timeouts',
      /closes connections that are idle for 1 s/,
    );
  });
  t.test('8: answers that are gathered', async (t) => {
    const gathering = PASSED_ON.replace(
      'proxy_buffering off;',
      'proxy_buffering on; proxy_ignore_headers X-Accel-Buffering;',
    );
    advised(
      t,
      await through(t, `${gathering} gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;`),
      'buffering',
      /buffers answers/,
    );
  });
  t.test('9: a certificate that browsers refuse', async (t) => {
    advised(t, await through(t, PASSED_ON, ['--quick'], true), 'TLS', /Browsers will refuse it/);
  });
  t.test('10: a proxy that cannot reach the server', async (t) => {
    const url = await startNginx(t, await freePort(), PASSED_ON);
    advised(t, await doctor(['--url', url]), 'public URL', /answers 502: it cannot reach Fanfare/);
  });
});

t.test('11: a token that is refused', async (t) => {
  const env = { ...ENV, JWT_SECRET: `${JWT_SECRET}-of-somebody-else` };
  const { stdout: token } = await run(['token', '--user', '42'], env);
  advised(t, await doctor(['--token', token]), 'authorization', /The token is refused: the signature is wrong/);
});
