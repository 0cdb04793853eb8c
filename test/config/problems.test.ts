import t from 'tap';
import { load, problemsOf } from '../support/config.ts';

const REDIS_URL_PROBLEM =
  'redis.url: The Redis URL must be of one of the forms redis://host:6379/0, redis+sentinel://host:26379,host:26379/master-name/0, redis+cluster://host:6379,host:6379 (rediss for TLS)';

const app = { id: 'a', key: 'k', secret: 's' };
const limited = (limits: object) => ({ apps: [{ ...app, limits }] });
const jwt = (settings: object) => ({ auth: { jwt: settings } });

/** A file, and all that is wrong with it. */
const FILES: ReadonlyArray<readonly [unknown, ...string[]]> = [
  // Unknown keys.
  [limited({ maxEventByte: 1 }), 'apps[0].limits.maxEventByte: unknown key; did you mean maxEventBytes?'],
  [{ prot: 1 }, 'prot: unknown key; did you mean port?'],
  [{ conections: { max: 1 } }, 'conections: unknown key; did you mean connections?'],
  [{ maxPerIp: 1 }, 'maxPerIp: unknown key; did you mean connections.maxPerIp?'],
  [{ frobnicate: 1 }, 'frobnicate: unknown key'],
  ['{"__proto__":{"port":1}}', '__proto__: unknown key'],
  ['{"constructor":1,"toString":2}', 'constructor: unknown key', 'toString: unknown key'],
  // Wrong types: nothing is turned into something else.
  [{ port: '6001' }, 'port: must be a whole number from 0 to 65535'],
  [{ port: null }, 'port: must be a whole number from 0 to 65535'],
  [{ host: 1 }, 'host: must be an address or a host name'],
  [{ connections: [] }, 'connections: must be an object'],
  [{ connections: { compression: 'true' } }, 'connections.compression: must be true or false'],
  [{ apps: { id: 'a' } }, 'apps: must be a list of objects'],
  [{ apps: ['a'] }, 'apps[0]: must be an object'],
  [{ apps: [{ ...app, id: 7.5 }] }, 'apps[0].id: must be a text without spaces, /, ? and #'],
  [{ trustedProxies: '10.0.0.1' }, 'trustedProxies: must be a list of texts'],
  [{ redis: { url: '' } }, 'redis.url: must be a text that is not empty'],
  // Bad values.
  [{ port: 65_536 }, 'port: must be a whole number from 0 to 65535'],
  [{ port: 1.5 }, 'port: must be a whole number from 0 to 65535'],
  [{ connections: { max: -1 } }, 'connections.max: must be a whole number from 0 to 2147483647'],
  [
    { connections: { activityTimeoutSeconds: 0 } },
    'connections.activityTimeoutSeconds: must be a whole number from 1 to 3600',
  ],
  [{ shutdownGraceSeconds: -1 }, 'shutdownGraceSeconds: must be a number of seconds from 0 to 3600'],
  [{ pathPrefix: 'realtime' }, 'pathPrefix: must be empty or begin with / and not end with it, such as /realtime'],
  [{ pathPrefix: '/realtime/' }, 'pathPrefix: must be empty or begin with / and not end with it, such as /realtime'],
  [{ log: { level: 'loud' } }, 'log.level: must be one of fatal, error, warn, info, debug, trace, silent'],
  [
    { trustedProxies: ['10.0.0.1', '10.0.0.0/33'] },
    'trustedProxies[1]: must be an IP address or a CIDR range, such as 10.0.0.0/8',
  ],
  [{ trustedProxies: ['localhost'] }, 'trustedProxies[0]: must be an IP address or a CIDR range, such as 10.0.0.0/8'],
  [
    limited({ maxEventBytes: '100 potatoes' }),
    'apps[0].limits.maxEventBytes: must be a size from 1 byte to 64MB, such as 102400 or "100KB"',
  ],
  [
    limited({ maxEventBytes: '65MB' }),
    'apps[0].limits.maxEventBytes: must be a size from 1 byte to 64MB, such as 102400 or "100KB"',
  ],
  [{ apps: [{ ...app, id: 'a/b' }] }, 'apps[0].id: must be a text without spaces, /, ? and #'],
  [{ apps: [{ ...app, key: 'a:b' }] }, 'apps[0].key: must be a text without spaces, /, ?, # and :'],
  [
    { apps: [{ ...app, allowedOrigins: ['chat.example.com'] }] },
    'apps[0].allowedOrigins[0]: must be an origin without a path, such as https://chat.example.com',
  ],
  [
    { apps: [{ ...app, allowedOrigins: ['https://chat.example.com/'] }] },
    'apps[0].allowedOrigins[0]: must be an origin without a path, such as https://chat.example.com',
  ],
  [
    { apps: [{ ...app, encryptionMasterKey: 'short' }] },
    'apps[0].encryptionMasterKey: must be 32 bytes in base64; openssl rand -base64 32 prints such a key',
  ],
  [{ redis: { url: 'http://redis' } }, REDIS_URL_PROBLEM],
  // Missing.
  [
    { apps: [{ key: 'k', secret: 's' }] },
    'apps[0].id: is missing; set it in the file or by FANFARE_APPS_0_ID or PUSHER_APP_ID',
  ],
  [
    { apps: [app, { id: 'b', key: 'kb' }] },
    'apps[1].secret: is missing; set it in the file or by FANFARE_APPS_1_SECRET',
  ],
  [{ tls: { certFile: 'cert.pem' } }, 'tls.keyFile: is missing; set it in the file or by FANFARE_TLS_KEY_FILE'],
  // Between keys.
  [{ apps: [app, { ...app, key: 'other' }] }, 'apps[1].id: is the id of apps[0] as well; each app needs its own'],
  [{ apps: [app, { ...app, id: 'other' }] }, 'apps[1].key: is the key of apps[0] as well; each app needs its own'],
  [{ apps: [app], auth: { appId: 'other' } }, 'auth.appId: is not the id of an app'],
  [
    { connections: { maxBackpressureBytes: '256KB' } },
    'resume.maxBytesPerChannel: is 512KB; with connections.maxBackpressureBytes at 256KB it may be 128KB at most, or a client that resumes is closed as too slow',
  ],
  [
    { resume: { windowSeconds: 120, sessionSeconds: 60 } },
    'resume.sessionSeconds: must not be less than resume.windowSeconds (120), or nothing is known any more of a client that is back in time',
  ],
  [
    jwt({ secret: 'x'.repeat(32), jwksUrl: 'https://id.test' }),
    'auth.jwt: only one of secret, publicKey and jwksUrl may be set; secret and jwksUrl are',
  ],
  [jwt({ algorithms: ['none'] }), 'auth.jwt.algorithms: must not hold none: anyone could write such a token'],
  [jwt({ jwksUrl: 'id.test' }), 'auth.jwt.jwksUrl: must be an http or https URL'],
  [jwt({ publicKey: 'x' }), 'auth.jwt.publicKey: must be a PEM public key, a PEM certificate or a JWK'],
  // Files.
  [{ auth: { rulesFile: 'none.js' } }, 'auth.rulesFile: there is no file /srv/app/none.js'],
  [jwt({ publicKeyFile: 'none.pem' }), 'auth.jwt.publicKeyFile: there is no file /srv/app/none.pem'],
  [
    { tls: { certFile: 'cert.pem', keyFile: '/key.pem' } },
    'tls.certFile: there is no file /srv/app/cert.pem',
    'tls.keyFile: there is no file /key.pem',
  ],
  // The file as such.
  ['[]', '/srv/app/config/fanfare.json: must hold one JSON object'],
  ['{"port": 1,}', '/srv/app/config/fanfare.json: is not valid JSON: see line 1, column 12'],
  ['{\n  "port": 1\n  "host": "x"\n}', '/srv/app/config/fanfare.json: is not valid JSON: see line 3, column 3'],
  ['{"port": ', '/srv/app/config/fanfare.json: is not valid JSON: see line 1, column 10'],
  ['{"a": [1, {"b": tru}]}', '/srv/app/config/fanfare.json: is not valid JSON: see line 1, column 17'],
  ['{} {}', '/srv/app/config/fanfare.json: is not valid JSON: see line 1, column 4'],
  ['', '/srv/app/config/fanfare.json: is not valid JSON: see line 1, column 1'],
];

t.test('what a file may have wrong', async (t) => {
  for (const [file, ...expected] of FILES) {
    t.same(problemsOf({ file }), expected, typeof file === 'string' ? file : JSON.stringify(file));
  }
});

t.test('all problems are told at once, each with where it comes from', async (t) => {
  const problems = problemsOf({
    file: { prot: 1, tls: { certFile: 'a' }, apps: [app, app], redis: { url: 'x' } },
    env: { FANFARE_PORT: 'abc', FANFARE_HSOT: 'x', FANFARE_TRUSTED_PROXIES: '10.0.0.1,x' },
    flags: [
      { path: 'log.levl', value: 'info', flag: '--set' },
      { path: 'log.level', value: 'loud', flag: '--log-level' },
    ],
  });
  t.same([...problems].sort(), [
    'FANFARE_HSOT: unknown variable; did you mean FANFARE_HOST?',
    'apps[1].id: is the id of apps[0] as well; each app needs its own',
    'apps[1].key: is the key of apps[0] as well; each app needs its own',
    'log.level: must be one of fatal, error, warn, info, debug, trace, silent (from --log-level)',
    'log.levl: unknown key (from --set); did you mean log.level?',
    'port: must be a whole number from 0 to 65535 (from FANFARE_PORT)',
    'prot: unknown key; did you mean port?',
    REDIS_URL_PROBLEM,
    'tls.keyFile: is missing; set it in the file or by FANFARE_TLS_KEY_FILE',
    'trustedProxies[1]: must be an IP address or a CIDR range, such as 10.0.0.0/8 (from FANFARE_TRUSTED_PROXIES)',
  ]);
});

t.test('the error says how many there are', async (t) => {
  t.throws(() => load({ file: { prot: 1 } }), {
    name: 'ConfigError',
    message: 'The configuration has a problem:\n  prot: unknown key; did you mean port?',
  });
  t.throws(() => load({ file: { prot: 1, hots: 2 } }), {
    message: /^The configuration has 2 problems:\n {2}prot.*\n {2}hots/,
  });
});

t.test('a file that is there but cannot be read is an error, even where nobody named it', async (t) => {
  const { loadConfig } = await import('../../src/config/load.ts');
  const readFile = () => {
    throw Object.assign(new Error('no'), { code: 'EACCES' });
  };
  t.throws(() => loadConfig({ env: {}, cwd: '/x', readFile }), {
    message: /config\/fanfare\.json: the file \/x\/config\/fanfare\.json cannot be read \(EACCES\)/,
  });
});

t.test('a client of a server needs neither rules nor certificates', async (t) => {
  const file = { auth: { rulesFile: 'none.js' }, tls: { certFile: 'none', keyFile: 'none' } };
  t.equal(load({ file, checkFiles: false }).config.tls?.certFile, '/srv/app/none');
});
