import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { pathText, SETTINGS, type Setting } from '../../src/config/describe.ts';
import { parseSize } from '../../src/config/setting.ts';
import { valueAt } from '../../src/config/tree.ts';
import { CWD, load, problemsOf } from '../support/config.ts';

const PEM = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();

const WEBHOOK = { FANFARE_APPS_0_WEBHOOKS_0_URL: 'https://a.test/hooks' };

/** Values that do for keys that not every text does for, as written and as loaded if that differs. */
const SPECIAL: Readonly<Record<string, { text: string; value?: unknown; env?: Record<string, string> }>> = {
  pathPrefix: { text: '/realtime' },
  trustedProxies: { text: '10.0.0.0/8, ::1', value: ['10.0.0.0/8', '::1'] },
  'log.level': { text: 'debug' },
  'log.format': { text: 'text' },
  'tls.certFile': { text: 'a', value: `${CWD}/a`, env: { FANFARE_TLS_KEY_FILE: 'k' } },
  'tls.keyFile': { text: 'a', value: `${CWD}/a`, env: { FANFARE_TLS_CERT_FILE: 'c' } },
  'tls.caFile': { text: 'a', value: `${CWD}/a`, env: { FANFARE_TLS_CERT_FILE: 'c', FANFARE_TLS_KEY_FILE: 'k' } },
  'tls.passphrase': { text: 'a', env: { FANFARE_TLS_CERT_FILE: 'c', FANFARE_TLS_KEY_FILE: 'k' } },
  'apps[0].allowedOrigins': { text: 'https://a.test,https://b.test', value: ['https://a.test', 'https://b.test'] },
  'apps[0].encryptionMasterKey': { text: Buffer.alloc(32, 1).toString('base64'), value: new Uint8Array(32).fill(1) },
  'apps[0].webhooks[0].url': { text: 'https://a.test/hooks' },
  'apps[0].webhooks[0].events': { text: 'cache_miss', value: ['cache_miss'], env: WEBHOOK },
  'apps[0].webhooks[0].channels': { text: 'private-*', env: WEBHOOK },
  'auth.appId': { text: 'app-id' },
  'auth.rulesFile': { text: 'rules.js', value: `${CWD}/rules.js` },
  'auth.jwt.publicKey': { text: PEM },
  'auth.jwt.publicKeyFile': { text: 'key.pem', value: `${CWD}/key.pem` },
  'auth.jwt.jwksUrl': { text: 'https://id.test/keys' },
  'auth.jwt.algorithms': { text: 'HS384', value: ['HS384'] },
  'redis.url': { text: 'redis://localhost' },
  'connections.maxBackpressureBytes': { text: '2MB', value: 2_097_152 },
  'resume.sessionSeconds': { text: '3600', value: 3600 },
};

const REWIND = { FANFARE_APPS_0_REWIND_0_CHANNELS: 'public-*' };

/** Some value that is not the default. */
function sample(setting: Setting, path: string): { text: string; value?: unknown; env?: Record<string, string> } {
  const special = path.startsWith('log.levels.') ? SPECIAL['log.level'] : SPECIAL[path];
  if (special !== undefined) return special;
  if (setting.kind === 'boolean')
    return { text: String(setting.defaultValue !== true), value: setting.defaultValue !== true };
  if (setting.kind === 'integer' || setting.kind === 'number') return { text: '37', value: 37 };
  if (setting.kind === 'size') {
    const least = parseSize(setting.range?.split(' to ')[0] ?? '') ?? 0;
    return { text: `${least + 17}`, value: least + 17 };
  }
  if (setting.kind === 'list') return { text: 'one, two', value: ['one', 'two'] };
  return { text: 'something-that-is-at-least-32-bytes-long' };
}

t.test('every key of the schema has a variable that sets it, and a flag that wins over it', async (t) => {
  t.ok(SETTINGS.length > 50);
  const files = { [`${CWD}/key.pem`]: PEM };
  for (const setting of SETTINGS) {
    const path = setting.path.map((step) => (step === '*' ? '0' : step));
    const name = pathText(path);
    const { text, value = text, env = name.includes('rewind') ? REWIND : {} } = sample(setting, name);
    const variable = setting.variable.replaceAll('*', '0');
    for (const source of [variable, ...setting.familiarVariables]) {
      const { config } = load({ env: { ...env, [source]: text }, files, checkFiles: false });
      t.same(valueAt(config, path), value, `${source} sets ${name}`);
      t.not(valueAt(load({ files, checkFiles: false }).config, path), value, `which is not the default of ${name}`);
    }
    for (const source of setting.familiarVariables) {
      const { config } = load({ env: { ...env, [source]: 'loses', [variable]: text }, files, checkFiles: false });
      t.same(valueAt(config, path), value, `${variable} wins over ${source}`);
    }
    const flags = [{ path: name, value: text, flag: '--set' }];
    const { config } = load({ env, flags, files, checkFiles: false });
    t.same(valueAt(config, path), value, `--set ${name}`);
  }
});

t.test('no two keys share a variable, and none looks like one of Kubernetes', async (t) => {
  const names = SETTINGS.flatMap((setting) => [setting.variable, ...setting.familiarVariables]);
  t.equal(new Set(names).size, names.length);
  for (const name of names) t.notMatch(name, /_SERVICE_(HOST|PORT)|_PORT_\d/);
});

t.test('familiar names set the first app only', async (t) => {
  const { config } = load({
    env: {
      PUSHER_APP_SECRET: 'first',
      FANFARE_APPS_1_ID: 'b',
      FANFARE_APPS_1_KEY: 'kb',
      FANFARE_APPS_1_SECRET: 'second',
    },
  });
  t.same(
    config.apps.map((app) => app.secret),
    ['first', 'second'],
  );
});

t.test('lists within lists', async (t) => {
  const { config } = load({
    env: {
      FANFARE_APPS_0_REWIND_0_CHANNELS: 'news',
      FANFARE_APPS_0_REWIND_1_CHANNELS: 'private-*',
      FANFARE_APPS_0_REWIND_1_EVENTS: '5',
    },
    flags: [{ path: 'apps[0].rewind[0].seconds', value: '7', flag: '--set' }],
  });
  t.same(config.apps[0]?.rewind, [
    { channels: 'news', events: 50, seconds: 7 },
    { channels: 'private-*', events: 5, seconds: 120 },
  ]);
});

t.test('unknown variables', async (t) => {
  t.same(
    problemsOf({
      env: {
        FANFARE_APPS_3_LIMITS_MAX_EVENT_BYTE: '1',
        FANFARE_CONNECTIONS_MAX_PER_IPS: '1',
        FANFARE_X: '1',
        FANFARE_CONFG: 'x',
        OTHER_X: '1',
      },
    }).map(String),
    [
      'FANFARE_APPS_3_LIMITS_MAX_EVENT_BYTE: unknown variable; did you mean FANFARE_APPS_3_LIMITS_MAX_EVENT_BYTES?',
      'FANFARE_CONFG: unknown variable; did you mean FANFARE_CONFIG?',
      'FANFARE_CONNECTIONS_MAX_PER_IPS: unknown variable; did you mean FANFARE_CONNECTIONS_MAX_PER_IP?',
      'FANFARE_X: unknown variable; docs/configuration.md lists them all',
    ],
  );
});

t.test('apps are numbered without a gap, in any order of the variables', async (t) => {
  t.match(problemsOf({ env: { FANFARE_APPS_2_ID: 'x' } }), [
    'apps[2].id: skips an index; number the apps from 0 without a gap (from FANFARE_APPS_2_ID)',
  ]);
  const env: Record<string, string> = {};
  for (let index = 11; index >= 0; index--) {
    for (const name of ['SECRET', 'KEY', 'ID']) env[`FANFARE_APPS_${index}_${name}`] = `${name}${index}`;
  }
  t.equal(load({ env }).config.apps[11]?.secret, 'SECRET11');
});

t.test('values are read strictly', async (t) => {
  for (const [name, text] of [
    ['FANFARE_PORT', '6001x'],
    ['FANFARE_PORT', '0x10'],
    ['FANFARE_PORT', '1e3'],
    ['FANFARE_CONNECTIONS_COMPRESSION', 'yes'],
    ['FANFARE_CONNECTIONS_COMPRESSION', '1'],
  ] as const) {
    t.equal(problemsOf({ env: { [name]: text } }).length, 1, `${name}=${text}`);
  }
});

t.test('a variable set to nothing counts as not set', async (t) => {
  const { config } = load({
    env: { FANFARE_PORT: '', REDIS_URL: '', FANFARE_APPS_0_KEY: '', PUSHER_APP_KEY: 'k' },
    file: { port: 7 },
  });
  t.match(config, { port: 7, apps: [{ key: 'k' }] });
  t.equal(config.redis.url, undefined);
});

t.test('what Kubernetes sets for a Service of our name is passed over', async (t) => {
  const { config } = load({
    env: {
      FANFARE_SERVICE_HOST: '10.0.0.7',
      FANFARE_SERVICE_PORT: '6001',
      FANFARE_SERVICE_PORT_HTTP: '6001',
      FANFARE_PORT: 'tcp://10.0.0.7:6001',
      FANFARE_PORT_6001_TCP: 'tcp://10.0.0.7:6001',
      FANFARE_PORT_6001_TCP_PROTO: 'tcp',
      FANFARE_PORT_6001_TCP_ADDR: '10.0.0.7',
      FANFARE_REDIS_SERVICE_HOST: '10.0.0.8',
      FANFARE_REDIS_PORT: 'tcp://10.0.0.8:6379',
    },
  });
  t.equal(config.port, 6001);
});
