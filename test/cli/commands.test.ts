import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { jwtVerify } from 'jose';
import t from 'tap';
import { DEVELOPMENT_JWT_SECRET } from '../../src/config/development.ts';
import { claimsOf, run } from '../support/cli.ts';

const REDIS = 'redis://user:hunter2@localhost';

t.test('help and version are results; a wrong command line is exit code 2', async (t) => {
  t.match(await run(['--help']), { code: 0, stdout: /serve.*token.*trigger.*listen.*check-config/s, stderr: '' });
  t.match(await run(['token', '--help']), { code: 0, stdout: /--user <id>/ });
  t.match(await run(['--version']), { code: 0, stdout: '1.2.3' });
  t.match(await run(['--frobnicate']), { code: 2, stderr: /unknown option '--frobnicate'/ });
  t.match(await run(['trigger', 'channel']), { code: 2, stderr: /missing required argument 'event'/ });
  t.match(await run(['token']), { code: 2, stderr: /'--user <id>' must be given/ });
  t.match(await run(['check-config', '--set', 'port']), { code: 2, stderr: /path=value/ });
});

t.test('token', async (t) => {
  t.test('is signed by the secret of the configuration, with what the flags say', async (t) => {
    const { code, stdout, stderr } = await run(
      ['token', '--user', '42', '--domains', '7, 9', '--chats', '5', '--role', 'admin', '--name', 'Ada'].concat([
        '--claim',
        'plan=pro',
        '--claim',
        'level=3',
      ]),
      { JWT_ISSUER: 'https://id.test,other', JWT_AUDIENCE: 'chat' },
    );
    t.match({ code, stderr }, { code: 0, stderr: '' });
    const { payload } = await jwtVerify(stdout, new TextEncoder().encode(DEVELOPMENT_JWT_SECRET), {
      issuer: 'https://id.test',
      audience: 'chat',
    });
    t.match(payload, {
      sub: '42',
      domains: ['7', '9'],
      chats: ['5'],
      role: 'admin',
      name: 'Ada',
      plan: 'pro',
      level: 3,
    });
    t.equal(Number(payload.exp) - Number(payload.iat), 3600);
  });
  t.test('its life and its claim of the user id', async (t) => {
    const { stdout } = await run(['token', '--user', '42', '--expires', '15m'], {
      FANFARE_AUTH_JWT_USER_ID_CLAIM: 'userId',
    });
    const claims = claimsOf(stdout);
    t.equal(claims.userId, '42');
    t.equal(Number(claims.exp) - Number(claims.iat), 900);
    t.notOk('exp' in claimsOf((await run(['token', '--user', '42', '--expires', 'never'])).stdout));
    for (const wrong of ['1x', '0', '-1h', '']) {
      t.match(await run(['token', '--user', '42', '--expires', wrong]), {
        code: 2,
        stderr: /30s, 15m, 1h, 7d or never/,
      });
    }
  });
  t.test('is of a user who has an id', async (t) => {
    t.match(await run(['token', '--user', '']), { code: 2, stdout: '', stderr: /The id must not be empty/ });
  });
  t.test('takes no claim twice: one that something else decides is refused', async (t) => {
    const env = { JWT_ISSUER: 'https://id.test', FANFARE_AUTH_JWT_USER_ID_CLAIM: 'uid' };
    for (const [claim, decides] of [
      ['uid', '--user'],
      ['exp', '--expires'],
      ['iss', 'auth.jwt.issuer'],
    ]) {
      t.match(await run(['token', '--user', '42', '--claim', `${claim}=9`], env), {
        code: 1,
        stdout: '',
        stderr: `--claim cannot set ${claim}: ${decides} does`,
      });
    }
    t.match(await run(['token', '--user', '42', '--claim', 'sub=9', '--claim', 'aud=x'], env), { code: 0 });
  });
  t.test('is refused where there is no secret', async (t) => {
    const answer = await run(['token', '--user', '42'], { JWT_JWKS_URL: 'https://id.test/keys' });
    t.match(answer, { code: 1, stdout: '', stderr: /verified by auth\.jwt\.jwksUrl.*set JWT_SECRET/ });
  });
});

t.test('check-config', async (t) => {
  t.test('prints what is in force, without a secret', async (t) => {
    const answer = await run(['check-config', '--set', 'connections.maxPerIp=20'], { REDIS_URL: REDIS });
    t.equal(answer.code, 0);
    t.match(answer.stdout, /^port = 6001$/m);
    t.match(answer.stdout, /^connections\.maxPerIp = 20 +\(from --set\)$/m);
    t.match(answer.stdout, /^apps\[0\]\.secret = •••$/m);
    t.match(answer.stdout, /^redis\.url = ••• +\(from REDIS_URL\)$/m);
    t.notMatch(answer.stdout + answer.stderr, /hunter2|app-secret/);
    t.match(answer.stderr, /warning: Development credentials/);
  });
  t.test('prints what is wrong', async (t) => {
    const answer = await run(['check-config', '--set', 'prot=1', '--config', '/none.json'], { FANFARE_PORT: 'x' });
    t.match(answer, { code: 1, stdout: '' });
    t.same(
      answer.stderr.split('\n').map((line) => line.trim()),
      [
        'warning: Development credentials, which everybody knows: apps[0].id, apps[0].key, apps[0].secret, auth.jwt.secret.',
        'warning: Production refuses them; "npx fanfare init" writes credentials of your own.',
        'The configuration has 3 problems:',
        '--config: there is no file /none.json',
        'prot: unknown key (from --set); did you mean port?',
        'port: must be a whole number from 0 to 65535 (from FANFARE_PORT)',
      ],
    );
  });
});

t.test('the configuration keeps serve from starting', async (t) => {
  t.match(await run(['serve', '--port', '70000']), { code: 1, stderr: /port: must be .* \(from --port\)/ });
  t.match(await run([], { NODE_ENV: 'production' }), {
    code: 1,
    stderr: /4 problems:\n(.*not for production.*\n?){4}$/,
  });
});

t.test('trigger and listen say what is wrong with what they are given', async (t) => {
  t.match(await run(['trigger', 'c', 'e', '{}', '--url', 'localhost:6001']), {
    code: 1,
    stderr: /not the URL of a server/,
  });
  t.match(await run(['trigger', 'c', 'e', '{}', '--app', 'x']), {
    code: 1,
    stderr: 'There is no app x; there are app-id',
  });
  const nowhere = await unusedOrigin();
  t.match(await run(['trigger', 'c', 'e', '{}', '--url', nowhere]), {
    code: 1,
    stderr: `Cannot reach ${nowhere}: no server listens there; start one with fanfare serve, or name it with --url`,
  });
  const unreachable = { code: 1, stderr: /^Cannot reach http:.*: no server listens there/ };
  t.match(await run(['listen', 'c', '--url', nowhere]), unreachable, 'at once');
  t.match(await run(['trigger', 'c', 'e', '{}'], { FANFARE_URL: nowhere }), unreachable, 'FANFARE_URL is the default');
  t.match(await run(['trigger', 'c', 'e', '{}', '--url', 'x'], { FANFARE_URL: nowhere }), { stderr: /^'x' is not/ });
  t.match(await run(['listen', 'c'], { FANFARE_URL: 'localhost' }), { code: 1, stderr: /\(from FANFARE_URL\)/ });
  t.match(await run(['listen', '']), { code: 1, stderr: 'The channel name must be a non-empty string' });
  t.match(await run(['listen', 'a b']), { code: 1, stderr: /^Invalid channel name 'a b'/ });
  t.match(await run(['listen', 'private-encrypted-c']), {
    code: 1,
    stderr: /private-encrypted-c is end-to-end encrypted/,
  });
});

t.test('page wants to know who joins a guarded channel, and takes what the server is called', async (t) => {
  t.match(await run(['page', 'private-user.1']), { code: 2, stdout: '', stderr: /--token or --user says who joins/ });
  t.match(await run(['page', 'private-encrypted-c']), { code: 1, stderr: /the page cannot decrypt/ });
  t.match(await run(['page', 'a b']), { code: 1, stderr: /^Invalid channel name 'a b'/ });
  t.match(await run(['page'], { JWT_JWKS_URL: 'https://id.test/keys' }), { code: 1, stderr: /verified by auth\.jwt/ });
  const url = ['--url', 'https://realtime.example.com/ws'];
  const { code, stdout } = await run(['page', '--json', '--name', 'Ada', '--expires', '15m', ...url]);
  t.equal(code, 0);
  const { channel, token, html } = JSON.parse(stdout) as Record<'channel' | 'token' | 'html', string>;
  t.equal(channel, 'private-domain.7');
  t.match(claimsOf(token), { sub: '42', domains: ['7'], name: 'Ada' });
  t.match(html, `"https://realtime.example.com/ws/broadcasting/auth"`);
  t.match(html, token);
  t.match((await run(['page', 'private-x', '--token', 'a.b.c'])).stdout, 'Bearer a.b.c');
});

/** Of a server that has just gone. */
async function unusedOrigin(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}
