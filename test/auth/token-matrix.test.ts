import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { base64url, SignJWT, UnsecuredJWT } from 'jose';
import t, { type Test } from 'tap';
import type { JwtSettings } from '../../src/auth/index.ts';
import { harness, now, refusalLine, SECRET, token } from '../support/auth.ts';

const CHANNEL = 'private-domain.7';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsaPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();

interface Refused {
  readonly name: string;
  readonly token: string | Promise<string>;
  readonly code: string;
  readonly jwt?: Partial<JwtSettings>;
  readonly reason?: RegExp;
}

function withHeader(header: object, jwt: string): string {
  return [base64url.encode(JSON.stringify(header)), ...jwt.split('.').slice(1)].join('.');
}

function tampered(jwt: string): string {
  const [header, , signature] = jwt.split('.');
  return [header, base64url.encode(JSON.stringify({ sub: '1', exp: now() + 60 })), signature].join('.');
}

const withIssuer = { secret: SECRET, issuer: ['https://id.example.com', 'https://old.example.com'] };
const withAudience = { secret: SECRET, audience: ['fanfare'] };

const MATRIX: readonly Refused[] = [
  { name: 'missing', token: '', code: 'token_missing' },
  { name: 'garbage', token: 'garbage', code: 'token_malformed' },
  { name: 'garbage with dots', token: 'a.b.c', code: 'token_malformed' },
  { name: 'too long', token: `eyJ.${'a'.repeat(17_000)}.x`, code: 'token_malformed', reason: /16384 characters/ },
  { name: 'expired', token: token({ exp: now() - 10 }), code: 'token_expired' },
  {
    name: 'expired by more than the tolerance',
    token: token({ exp: now() - 10 }),
    code: 'token_expired',
    jwt: { secret: SECRET, clockToleranceSeconds: 5 },
  },
  { name: 'not yet valid', token: token({ nbf: now() + 60 }), code: 'token_not_yet_valid' },
  { name: 'exp is not a number', token: token({ exp: 'tomorrow' }), code: 'token_malformed' },
  { name: 'wrong signature', token: token({}, 'another-secret-that-is-long-enough-000'), code: 'token_bad_signature' },
  { name: 'other claims under the signature', token: token().then(tampered), code: 'token_bad_signature' },
  { name: 'no signature', token: token().then((jwt) => jwt.replace(/[^.]*$/, '')), code: 'token_bad_signature' },
  {
    name: 'wrong issuer',
    token: token({ iss: 'https://evil.example' }),
    code: 'token_wrong_issuer',
    jwt: withIssuer,
    reason: /evil/,
  },
  { name: 'no issuer', token: token(), code: 'token_wrong_issuer', jwt: withIssuer, reason: /missing/ },
  {
    name: 'wrong audience',
    token: token({ aud: ['shop', 'mail'] }),
    code: 'token_wrong_audience',
    jwt: withAudience,
    reason: /shop/,
  },
  { name: 'no audience', token: token(), code: 'token_wrong_audience', jwt: withAudience, reason: /missing/ },
  { name: 'alg none', token: new UnsecuredJWT({ sub: '42' }).encode(), code: 'token_algorithm_not_allowed' },
  {
    name: 'alg None with a signature',
    token: token().then((jwt) => withHeader({ alg: 'None' }, jwt)),
    code: 'token_algorithm_not_allowed',
  },
  {
    name: 'alg none against a public key',
    token: new UnsecuredJWT({ sub: '42' }).encode(),
    code: 'token_algorithm_not_allowed',
    jwt: { publicKey: rsaPem },
  },
  { name: 'no alg', token: token().then((jwt) => withHeader({ typ: 'JWT' }, jwt)), code: 'token_malformed' },
  {
    name: 'unknown critical header',
    token: token().then((jwt) => withHeader({ alg: 'HS256', crit: ['x'], x: 1 }, jwt)),
    code: 'token_malformed',
  },
  {
    name: 'confusion: the PEM text as an HMAC secret',
    token: token({}, rsaPem),
    code: 'token_algorithm_not_allowed',
    jwt: { publicKey: rsaPem },
  },
  {
    name: 'confusion: the trimmed PEM text',
    token: token({}, rsaPem.trim()),
    code: 'token_algorithm_not_allowed',
    jwt: { publicKey: rsaPem },
  },
  {
    name: 'confusion: the DER bytes',
    token: hmacOf(rsa.publicKey),
    code: 'token_algorithm_not_allowed',
    jwt: { publicKey: rsaPem },
  },
  {
    name: 'confusion: RS256 against a secret',
    token: signed('RS256', rsa.privateKey),
    code: 'token_algorithm_not_allowed',
  },
  {
    name: 'an algorithm left out of the list',
    token: token({}, SECRET, 'HS384'),
    code: 'token_algorithm_not_allowed',
    jwt: { secret: SECRET, algorithms: ['HS256'] },
  },
  { name: 'no user', token: token({ sub: undefined }), code: 'token_user_missing', reason: /'sub' is missing/ },
  { name: 'empty user', token: token({ sub: '' }), code: 'token_user_missing' },
  { name: 'a list as user', token: token({ sub: ['42'] }), code: 'token_user_missing' },
  {
    name: 'a user id of 129 characters',
    token: token({ sub: 'x'.repeat(129) }),
    code: 'token_user_missing',
    reason: /128/,
  },
  {
    name: 'no userId claim',
    token: token(),
    code: 'token_user_missing',
    jwt: { secret: SECRET, userIdClaim: 'userId' },
    reason: /'userId'/,
  },
];

function signed(alg: string, key: KeyObject): Promise<string> {
  return new SignJWT({ sub: '42', exp: now() + 60 }).setProtectedHeader({ alg }).sign(key);
}

function hmacOf(key: KeyObject): Promise<string> {
  const der = new Uint8Array(key.export({ type: 'spki', format: 'der' }));
  return new SignJWT({ sub: '42' }).setProtectedHeader({ alg: 'HS256' }).sign(der);
}

async function checkRefused(t: Test, refused: Refused): Promise<void> {
  const jwt = await refused.token;
  const { ask, signIn, lines } = harness(t, { jwt: refused.jwt ?? { secret: SECRET } });
  const answer = await ask(CHANNEL, jwt);
  t.equal(answer.status, 403);
  t.strictSame(answer.json, { error: 'Forbidden' }, 'the client is told no more');
  const line = refusalLine(t, lines, refused.code, [jwt]);
  t.equal(line.level, 'warn');
  t.match(line, { ip: '203.0.113.9', appId: '3', channel: CHANNEL, socketId: '1234.1234' });
  t.match(line.reason, refused.reason ?? /./);
  t.equal((await signIn(jwt)).status, 403, 'sign-in refuses it as well');
}

t.test('refused tokens: 403 and one line that says why', async (t) => {
  for (const refused of MATRIX) await t.test(refused.name, (t) => checkRefused(t, refused));
});

t.test('accepted tokens', async (t) => {
  const cases: ReadonlyArray<readonly [string, string | Promise<string>, Partial<JwtSettings>]> = [
    ['HS256', token(), { secret: SECRET }],
    ['HS384', token({}, SECRET, 'HS384'), { secret: SECRET }],
    ['HS512', token({}, SECRET, 'HS512'), { secret: SECRET }],
    ['without exp', token({ exp: undefined }), { secret: SECRET }],
    ['expired within the tolerance', token({ exp: now() - 3 }), { secret: SECRET, clockToleranceSeconds: 30 }],
    ['nbf within the tolerance', token({ nbf: now() + 10 }), { secret: SECRET, clockToleranceSeconds: 30 }],
    ['one of several issuers', token({ iss: 'https://old.example.com' }), withIssuer],
    ['one of several audiences', token({ aud: ['shop', 'fanfare'] }), withAudience],
    ['user id as a number', token({ sub: 42 }), { secret: SECRET }],
    ['user id under another name', token({ sub: undefined, userId: 42 }), { secret: SECRET, userIdClaim: 'userId' }],
  ];
  for (const [name, jwt, settings] of cases) {
    await t.test(name, async (t) => {
      const answer = await harness(t, { jwt: settings }).ask(CHANNEL, await jwt);
      t.equal(answer.status, 200);
      t.equal(JSON.parse(String(answer.json.channel_data)).user_id, '42', 'the id is text');
    });
  }
});

t.test('public keys verify what they are made for, and nothing else', async (t) => {
  const pairs = {
    rsa,
    'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    ed25519: generateKeyPairSync('ed25519'),
  };
  const algorithms: ReadonlyArray<readonly [string, keyof typeof pairs]> = [
    ['RS256', 'rsa'],
    ['RS384', 'rsa'],
    ['RS512', 'rsa'],
    ['PS256', 'rsa'],
    ['PS384', 'rsa'],
    ['PS512', 'rsa'],
    ['ES256', 'P-256'],
    ['ES384', 'P-384'],
    ['ES512', 'P-521'],
    ['EdDSA', 'ed25519'],
    ['Ed25519', 'ed25519'],
  ];
  for (const [alg, name] of algorithms) {
    await t.test(alg, async (t) => {
      const { publicKey, privateKey } = pairs[name];
      const jwt = await signed(alg, privateKey);
      const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
      const jwk = JSON.stringify(publicKey.export({ format: 'jwk' }));
      t.equal((await harness(t, { jwt: { publicKey: pem } }).ask(CHANNEL, jwt)).status, 200, 'as PEM');
      t.equal((await harness(t, { jwt: { publicKey: jwk } }).ask(CHANNEL, jwt)).status, 200, 'as JWK');
      const other = name === 'ed25519' ? pairs['P-256'] : pairs.ed25519;
      const otherPem = other.publicKey.export({ type: 'spki', format: 'pem' }).toString();
      const { ask, lines } = harness(t, { jwt: { publicKey: otherPem } });
      t.equal((await ask(CHANNEL, jwt)).status, 403);
      refusalLine(t, lines, 'token_algorithm_not_allowed', [jwt]);
    });
  }
  await t.test('another key of the same kind', async (t) => {
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = pairs['P-256'].publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const { ask, lines } = harness(t, { jwt: { publicKey: pem } });
    const jwt = await signed('ES256', stranger.privateKey);
    t.equal((await ask(CHANNEL, jwt)).status, 403);
    refusalLine(t, lines, 'token_bad_signature', [jwt]);
  });
});
