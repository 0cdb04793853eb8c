import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import t from 'tap';
import { createTokenVerifier, type JwtSettings, jwtProblems } from '../../src/auth/index.ts';
import { capture, harness, jwtSettings, now, SECRET } from '../support/auth.ts';
import { CERTIFICATE, CERTIFICATE_KEY } from '../support/certificate.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = ec.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const privatePem = ec.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const small = generateKeyPairSync('rsa', { modulusLength: 1024 });

const REFUSED: ReadonlyArray<readonly [string, Partial<JwtSettings>, string, RegExp]> = [
  ['no key at all', {}, '', /must be set/],
  ['two keys', { secret: SECRET, jwksUrl: 'https://id.example.com/jwks' }, '', /only one .* secret and jwksUrl/],
  ['a public key as secret', { secret: pem }, 'secret', /publicKey instead/],
  ['an empty secret', { secret: '' }, 'secret', /empty/],
  ['a secret as public key', { publicKey: SECRET }, 'publicKey', /must be a PEM/],
  ['a private key', { publicKey: privatePem }, 'publicKey', /public half/],
  ['a private JWK', { publicKey: JSON.stringify(ec.privateKey.export({ format: 'jwk' })) }, 'publicKey', /public half/],
  ['a symmetric JWK', { publicKey: '{"kty":"oct","k":"c2VjcmV0"}' }, 'publicKey', /secret instead/],
  ['a broken JWK', { publicKey: '{"kty":' }, 'publicKey', /not valid JSON/],
  ['a broken PEM', { publicKey: pem.replace(/\nM.{8}/, '\n!!!!') }, 'publicKey', /cannot be read/],
  [
    'a small RSA key',
    { publicKey: small.publicKey.export({ type: 'spki', format: 'pem' }).toString() },
    'publicKey',
    /1024 bits/,
  ],
  [
    'a key of another use',
    { publicKey: generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'pem' }).toString() },
    'publicKey',
    /x25519/,
  ],
  ['a file URL', { jwksUrl: 'file:///etc/jwks.json' }, 'jwksUrl', /http/],
  ['none', { secret: SECRET, algorithms: ['HS256', 'none'] }, 'algorithms', /anyone/],
  ['None', { publicKey: pem, algorithms: ['None'] }, 'algorithms', /anyone/],
  ['an unknown algorithm', { secret: SECRET, algorithms: ['HS1'] }, 'algorithms', /unknown algorithm 'HS1'/],
  ['an empty list', { secret: SECRET, algorithms: [] }, 'algorithms', /empty/],
  [
    'HS256 with a public key',
    { publicKey: pem, algorithms: ['ES256', 'HS256'] },
    'algorithms',
    /HS256 does not go .* ES256/,
  ],
  ['HS256 with a JWKS', { jwksUrl: 'https://id.example.com/jwks', algorithms: ['HS256'] }, 'algorithms', /does not go/],
  ['RS256 with a secret', { secret: SECRET, algorithms: ['RS256'] }, 'algorithms', /does not go/],
  ['ES384 with a P-256 key', { publicKey: pem, algorithms: ['ES384'] }, 'algorithms', /serves ES256/],
  ['no claim', { secret: SECRET, userIdClaim: '' }, 'userIdClaim', /empty/],
  ['a negative tolerance', { secret: SECRET, clockToleranceSeconds: -1 }, 'clockToleranceSeconds', /0 or more/],
  ['no timeout', { secret: SECRET, jwksTimeoutSeconds: 0 }, 'jwksTimeoutSeconds', /more than 0/],
];

t.test('settings that could not be safe are refused', async (t) => {
  for (const [name, settings, path, message] of REFUSED) {
    await t.test(name, async (t) => {
      const [problem, ...others] = jwtProblems(jwtSettings(settings), false);
      t.match(problem, { path, severity: 'error', message });
      t.strictSame(others, [], 'one problem, told once');
      t.throws(() => createTokenVerifier(jwtSettings(settings), capture().logger), { message });
    });
  }
});

t.test('a short secret is refused in production and a warning elsewhere', async (t) => {
  const settings = jwtSettings({ secret: 'short-secret-of-31-characters-x' });
  t.match(jwtProblems(settings, true), [{ path: 'secret', severity: 'error', message: /31 bytes/ }]);
  t.match(jwtProblems(settings, false), [{ path: 'secret', severity: 'warning' }]);
  t.notMatch(JSON.stringify(jwtProblems(settings, true)), /short-secret/, 'the secret is not in the sentence');
  t.ok(createTokenVerifier(settings, capture().logger), 'a warning does not refuse');
  t.strictSame(jwtProblems(jwtSettings({ secret: `${settings.secret}x` }), true), [], '32 bytes are enough');
});

t.test('an X.509 certificate is a public key', async (t) => {
  const jwt = await new SignJWT({ sub: '42', exp: now() + 60 })
    .setProtectedHeader({ alg: 'ES256' })
    .sign(createPrivateKey(CERTIFICATE_KEY));
  const answer = await harness(t, { jwt: { publicKey: `\n${CERTIFICATE}\n` } }).ask('private-domain.7', jwt);
  t.equal(answer.status, 200);
});
