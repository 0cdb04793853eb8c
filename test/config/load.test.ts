import t from 'tap';
import { DEVELOPMENT_APP, DEVELOPMENT_JWT_SECRET } from '../../src/config/development.ts';
import { CWD, load, PRODUCTION, problemsOf } from '../support/config.ts';

/** As a file names a variable. */
const named = (name: string) => `\${${name}}`;

t.test('without anything: the development defaults, and two lines about them', async (t) => {
  const { config, warnings, file } = load();
  t.equal(file, undefined);
  t.match(config, { host: '0.0.0.0', port: 6001, pathPrefix: '', shutdownGraceSeconds: 10, log: { level: 'info' } });
  t.match(config.connections, {
    max: 0,
    activityTimeoutSeconds: 120,
    maxBackpressureBytes: 1_048_576,
    compression: false,
  });
  t.match(config.apps, [
    { ...DEVELOPMENT_APP, enabled: true, limits: { maxEventBytes: 102_400, clientEventsPerSecond: 10 } },
  ]);
  t.equal(config.auth.jwt.secret, DEVELOPMENT_JWT_SECRET);
  t.ok(Buffer.byteLength(DEVELOPMENT_JWT_SECRET) >= 32);
  t.equal(config.tls, undefined);
  t.equal(config.redis.url, undefined);
  t.same(warnings, [
    'Development credentials, which everybody knows: apps[0].id, apps[0].key, apps[0].secret, auth.jwt.secret.',
    'Production refuses them; "npx fanfare init" writes credentials of your own.',
  ]);
});

t.test('where the rules are', async (t) => {
  const mine = `${CWD}/config/channels.mjs`;
  const rulesOf = (given: Parameters<typeof load>[0]) => load(given).config.auth.rulesFile;
  const without = { readRules: false } as const;
  t.equal(rulesOf({}), `${CWD}/config/channels.js`);
  t.equal(rulesOf({ ...without, files: { [mine]: '' } }), mine, 'for projects in which .js means CommonJS');
  t.equal(rulesOf({ files: { [mine]: '' } }), `${CWD}/config/channels.js`, 'the usual one first');
  const shipped = { fallbackRulesFile: '/package/channels.js', files: { '/package/channels.js': '' } };
  t.equal(rulesOf({ ...without, ...shipped }), '/package/channels.js');
  t.equal(rulesOf(shipped), `${CWD}/config/channels.js`, "one's own before those of the package");
  t.same(problemsOf({ ...without, env: PRODUCTION }), [
    `auth.rulesFile: there is no file ${CWD}/config/channels.js; npx fanfare init writes rules to start from`,
  ]);
  t.same(problemsOf({ ...without, ...shipped, env: { FANFARE_AUTH_RULES_FILE: 'gone.js' } }), [
    `auth.rulesFile: there is no file ${CWD}/gone.js (from FANFARE_AUTH_RULES_FILE)`,
  ]);
});

t.test('each setting that was set says where', async (t) => {
  const { sources } = load({
    file: { port: 7001, apps: [{ id: 'a', key: named('KEY'), secret: 's' }] },
    env: { KEY: 'k', PUSHER_APP_SECRET: 'other' },
    flags: [{ path: 'host', value: '::1', flag: '--host' }],
  });
  const file = `${CWD}/config/fanfare.json`;
  t.same(Object.fromEntries(sources), {
    port: file,
    'apps[0].id': file,
    'apps[0].key': file,
    'apps[0].secret': 'PUSHER_APP_SECRET',
    host: '--host',
  });
});

t.test('defaults < file < environment < flags', async (t) => {
  const file = { port: 7001, host: '127.0.0.1', log: { level: 'warn' } };
  const env = { FANFARE_PORT: '7002', FANFARE_LOG_LEVEL: 'error' };
  const flags = [{ path: 'port', value: '7003', flag: '--port' }];
  t.equal(load({ file }).config.port, 7001);
  t.equal(load({ file, env }).config.port, 7002);
  const { config } = load({ file, env, flags });
  t.equal(config.port, 7003);
  t.equal(config.log.level, 'error');
  t.equal(config.host, '127.0.0.1');
  t.equal(config.connections.max, 0);
});

t.test('the last of two flags for one key wins', async (t) => {
  const flags = ['1', '2'].map((value) => ({ path: 'connections.max', value, flag: '--set' }));
  t.equal(load({ flags }).config.connections.max, 2);
});

t.test('which file is read', async (t) => {
  const files = { [`${CWD}/other.json`]: '{"port":1}', '/etc/fanfare.json': '{"port":2}' };
  t.match(load({ file: { port: 3 } }), { file: `${CWD}/config/fanfare.json`, config: { port: 3 } });
  t.match(load({ file: { port: 3 }, files, env: { FANFARE_CONFIG: 'other.json' } }), { config: { port: 1 } });
  t.match(load({ files, env: { FANFARE_CONFIG: 'other.json' }, configFile: '/etc/fanfare.json' }), {
    file: '/etc/fanfare.json',
    config: { port: 2 },
  });
  t.same(problemsOf({ configFile: 'none.json' }), [`--config: there is no file ${CWD}/none.json`]);
  t.same(problemsOf({ env: { FANFARE_CONFIG: '/none.json' } }), ['FANFARE_CONFIG: there is no file /none.json']);
});

t.test('variables that the file names', async (t) => {
  const file = {
    port: named('PORT'),
    trustedProxies: [named('PROXY')],
    apps: [
      {
        id: 'a',
        key: `key-${named('STAGE')}`,
        secret: `$${named('STAGE')}`,
        clientEvents: named('EVENTS'),
        allowedOrigins: named('ORIGINS'),
      },
    ],
  };
  const env = {
    PORT: '7001',
    PROXY: '10.0.0.0/8',
    STAGE: 'test',
    EVENTS: 'false',
    ORIGINS: 'https://a.test, https://b.test',
  };
  const { config } = load({ file, env });
  t.match(config, { port: 7001, trustedProxies: ['10.0.0.0/8'] });
  t.match(config.apps, [
    {
      key: 'key-test',
      secret: named('STAGE'),
      clientEvents: false,
      allowedOrigins: ['https://a.test', 'https://b.test'],
    },
  ]);
  t.same(
    problemsOf({
      file: { port: named('PORT'), apps: [{ id: 'a', key: 'k', secret: `x${named('ONE')}${named('TWO')}` }] },
    }),
    [
      `port: names ${named('PORT')}, which is not set in the environment`,
      `apps[0].secret: names ${named('ONE')}, which is not set in the environment`,
      `apps[0].secret: names ${named('TWO')}, which is not set in the environment`,
    ],
  );
});

t.test('several apps, from the file and the environment together', async (t) => {
  const file = {
    apps: [
      { id: 'a', key: 'ka' },
      { id: 'b', key: 'kb', secret: 'sb', limits: { maxEventBytes: '1.5 MB' } },
    ],
  };
  const env = {
    FANFARE_APPS_0_SECRET: 'sa',
    FANFARE_APPS_2_ID: 'c',
    FANFARE_APPS_2_KEY: 'kc',
    FANFARE_APPS_2_SECRET: 'sc',
  };
  const { config } = load({ file, env });
  t.match(config.apps, [
    { id: 'a', key: 'ka', secret: 'sa' },
    { id: 'b', limits: { maxEventBytes: 1_572_864 } },
    { id: 'c', secret: 'sc' },
  ]);
});

t.test('the id of an app may be written as a number, and is taken as its text', async (t) => {
  const { config } = load({ file: { apps: [{ id: 123456, key: 'k', secret: 's' }] } });
  t.strictSame(config.apps[0]?.id, '123456');
  for (const id of [1.5, -1, true, {}, 'a b']) {
    t.match(problemsOf({ file: { apps: [{ id, key: 'k', secret: 's' }] } }), [
      /^apps\[0\]\.id: must be a text without spaces/,
    ]);
  }
});

t.test('a file with apps gets no development credentials', async (t) => {
  t.same(problemsOf({ file: { apps: [{ id: 'a', key: 'k' }] } }), [
    'apps[0].secret: is missing; set it in the file or by FANFARE_APPS_0_SECRET or PUSHER_APP_SECRET',
  ]);
  t.match(problemsOf({ file: { apps: [] } }), [/^apps: must name one app at least$/]);
});

t.test('the encryption key is bytes; file names are absolute; a PEM may be in one line', async (t) => {
  const key = Buffer.alloc(32, 7);
  const { config } = load({
    env: {
      FANFARE_APPS_0_ENCRYPTION_MASTER_KEY: key.toString('base64'),
      FANFARE_AUTH_RULES_FILE: 'rules/mine.js',
      JWT_PUBLIC_KEY: PEM.replaceAll('\n', '\\n'),
    },
    files: { [`${CWD}/rules/mine.js`]: '' },
  });
  t.same(config.apps[0]?.encryptionMasterKey, new Uint8Array(key));
  t.equal(config.auth.rulesFile, `${CWD}/rules/mine.js`);
  t.equal(config.auth.jwt.publicKey, PEM);
  t.equal(config.auth.jwt.secret, undefined, 'no development secret beside it');
});

t.test('the text of publicKeyFile is the public key', async (t) => {
  const { config } = load({
    file: { auth: { jwt: { publicKeyFile: 'key.pem' } } },
    files: { [`${CWD}/key.pem`]: PEM },
  });
  t.match(config.auth.jwt, { publicKey: PEM, publicKeyFile: `${CWD}/key.pem` });
});

t.test('the whole is frozen', async (t) => {
  const { config } = load({
    env: { FANFARE_TRUSTED_PROXIES: '::1', FANFARE_APPS_0_ENCRYPTION_MASTER_KEY: `${'A'.repeat(43)}=` },
  });
  const frozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || ArrayBuffer.isView(value)
      ? true
      : Object.isFrozen(value) && Object.values(value).every(frozen);
  t.ok(frozen(config));
});

t.test('production', async (t) => {
  t.test('refuses each development credential by name', async (t) => {
    const problems = problemsOf({ env: { NODE_ENV: 'production' } });
    t.equal(problems.length, 4);
    for (const [index, name] of ['PUSHER_APP_ID', 'PUSHER_APP_KEY', 'PUSHER_APP_SECRET', 'JWT_SECRET'].entries()) {
      t.match(problems[index], /is the published development (id|key|secret), not for production; set it/);
      t.ok(problems[index]?.includes(name), `${problems[index]} names ${name}`);
    }
    t.match(problems[3], /JWT_JWKS_URL/);
  });
  t.test('refuses them when they are written out as well', async (t) => {
    const file = { apps: [{ id: 'a', key: 'k', secret: DEVELOPMENT_APP.secret }] };
    t.match(problemsOf({ env: { NODE_ENV: 'production', JWT_SECRET: DEVELOPMENT_JWT_SECRET }, file }), [
      /^apps\[0\]\.secret: is the published/,
      /^auth\.jwt\.secret: is the published .*\(from JWT_SECRET\)$/,
    ]);
  });
  t.test('refuses a short JWT secret, of which development warns', async (t) => {
    t.match(problemsOf({ env: { ...PRODUCTION, JWT_SECRET: 'short' } }), [/^auth\.jwt\.secret: is 5 bytes long/]);
    const { warnings } = load({ env: { ...PRODUCTION, NODE_ENV: 'development', JWT_SECRET: 'short' } });
    t.match(warnings, [/^auth\.jwt\.secret: is 5 bytes long/]);
  });
  t.test('wants no JWT secret where it authorizes nothing, or by keys', async (t) => {
    const { JWT_SECRET: _, ...env } = PRODUCTION;
    t.same(load({ env: { ...env, FANFARE_AUTH_ENABLED: 'false' } }).warnings, []);
    t.same(load({ env: { ...env, JWT_JWKS_URL: 'https://id.test/keys' } }).warnings, []);
  });
  t.test('is content with its own', async (t) => {
    const { config, warnings } = load({ env: PRODUCTION });
    t.match(config.apps, [{ id: 'chat', key: 'chat-key', secret: 'chat-secret' }]);
    t.same(warnings, []);
  });
});

const PEM = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
`;
