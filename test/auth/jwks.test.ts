import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { SignJWT } from 'jose';
import t, { type Test } from 'tap';
import { type Harness, harness, httpServer, noSecrets, now, refusalLine } from '../support/auth.ts';
import { until } from '../support/wait.ts';

const CHANNEL = 'private-domain.7';

interface Signer {
  readonly jwk: object;
  sign(header?: { alg?: string; kid?: string }): Promise<string>;
}

function signer(kid: string, options: { alg?: string; withKid?: boolean } = {}): Signer {
  const alg = options.alg ?? 'ES256';
  const { publicKey, privateKey } = pairOf(alg);
  const jwk = { ...publicKey.export({ format: 'jwk' }), use: 'sig', ...(options.withKid === false ? {} : { kid }) };
  return {
    jwk,
    sign: (header = { kid }) =>
      new SignJWT({ sub: '42', exp: now() + 60 }).setProtectedHeader({ alg, ...header }).sign(privateKey),
  };
}

function pairOf(alg: string): { publicKey: KeyObject; privateKey: KeyObject } {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519');
  if (alg.startsWith('ES')) return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

interface KeySet {
  answer: RequestListener;
}

function serving(...signers: Signer[]): RequestListener {
  return (_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: signers.map(({ jwk }) => jwk) }));
  };
}

/** An endpoint whose keys come from a JWKS that the test may change under way. */
async function withJwks(t: Test, answer: RequestListener, jwt: object = {}) {
  const keySet: KeySet = { answer };
  const { url, requests } = await httpServer(t, (request, response) => keySet.answer(request, response));
  return { keySet, requests, ...harness(t, { jwt: { jwksUrl: `${url}/jwks.json`, ...jwt } }) };
}

async function statuses(server: Pick<Harness, 'ask'>, tokens: readonly string[]): Promise<number[]> {
  return Promise.all(tokens.map(async (jwt) => (await server.ask(CHANNEL, jwt)).status));
}

t.test('keys of a JWKS verify; the set is fetched once', async (t) => {
  const signers = ['RS256', 'PS256', 'ES256', 'EdDSA'].map((alg) => signer(`key-${alg}`, { alg }));
  const server = await withJwks(t, serving(...signers));
  const tokens = await Promise.all(signers.map((each) => each.sign()));
  t.strictSame(await statuses(server, tokens), [200, 200, 200, 200]);
  t.equal(server.requests(), 1);
});

t.test('an unknown kid: 403', async (t) => {
  const server = await withJwks(t, serving(signer('a')));
  const jwt = await signer('b').sign();
  t.equal((await server.ask(CHANNEL, jwt)).status, 403);
  const line = refusalLine(t, server.lines, 'token_unknown_key', [jwt]);
  t.match(line.reason, /kid 'b' and ES256/);
});

t.test('the right kid, another key: 403', async (t) => {
  const server = await withJwks(t, serving(signer('a')));
  const jwt = await signer('a').sign();
  t.equal((await server.ask(CHANNEL, jwt)).status, 403);
  refusalLine(t, server.lines, 'token_bad_signature', [jwt]);
});

t.test('a JWKS never verifies an HMAC, not even with a key it serves', async (t) => {
  const served = signer('a');
  const server = await withJwks(t, serving(served));
  const jwt = await new SignJWT({ sub: '42' })
    .setProtectedHeader({ alg: 'HS256', kid: 'a' })
    .sign(new TextEncoder().encode(JSON.stringify(served.jwk)));
  t.equal((await server.ask(CHANNEL, jwt)).status, 403);
  refusalLine(t, server.lines, 'token_algorithm_not_allowed', [jwt]);
  t.equal(server.requests(), 0, 'and is not even asked');
});

t.test('a rotated JWKS: the new key works at once, the withdrawn one no more', async (t) => {
  const [before, after] = [signer('before'), signer('after')];
  const server = await withJwks(t, serving(before));
  const [old, fresh] = [await before.sign(), await after.sign()];
  t.strictSame(await statuses(server, [old]), [200]);
  server.keySet.answer = serving(after);
  t.strictSame(await statuses(server, [fresh]), [200], 'an unknown kid fetches the set again');
  t.strictSame(await statuses(server, [old]), [403]);
  refusalLine(t, server.lines, 'token_unknown_key', [old, fresh]);
});

t.test('within the cooldown an unknown kid does not fetch again', async (t) => {
  const server = await withJwks(t, serving(signer('a')), { jwksCooldownSeconds: 30 });
  const tokens = await Promise.all(['x', 'y', 'z'].map((kid) => signer(kid).sign()));
  for (const jwt of tokens) t.strictSame(await statuses(server, [jwt]), [403]);
  t.equal(server.requests(), 1);
});

t.test('a token without kid is tried against every key that fits', async (t) => {
  const [first, second] = [signer('1', { withKid: false }), signer('2', { withKid: false })];
  const server = await withJwks(t, serving(first, second));
  const tokens = [await first.sign({}), await second.sign({}), await signer('3').sign({})];
  t.strictSame(await statuses(server, tokens), [200, 200, 403]);
  refusalLine(t, server.lines, 'token_bad_signature', tokens);
});

t.test('a JWKS that cannot be had: 503 with Retry-After, logged', async (t) => {
  const cases: ReadonlyArray<readonly [string, RequestListener, RegExp]> = [
    ['status 500', (_, response) => response.writeHead(500).end('{"keys":[]}'), /status 500/],
    ['a redirect', (_, response) => response.writeHead(302, { location: '/elsewhere' }).end(), /status 302/],
    ['no JSON', (_, response) => response.end('<html>'), /./],
    [
      'too much',
      (_, response) => response.end(JSON.stringify({ keys: [], padding: 'x'.repeat(300_000) })),
      /262144 bytes/,
    ],
    ['no answer', () => undefined, /time limit/],
    ['a closed connection', (request) => request.socket.destroy(), /./],
  ];
  for (const [name, answer, reason] of cases) {
    await t.test(name, async (t) => {
      const server = await withJwks(t, answer, { jwksTimeoutSeconds: 0.2 });
      const jwt = await signer('a').sign();
      const refused = await server.ask(CHANNEL, jwt);
      t.equal(refused.status, 503);
      t.equal(refused.headers['retry-after'], '5');
      t.strictSame(refused.json, { error: 'Try again later' });
      t.match(
        server.lines.find(({ message }) => message === 'JWKS fetch failed'),
        { level: 'error', reason },
      );
      t.equal(refusalLine(t, server.lines, 'jwks_unavailable', [jwt]).level, 'error');
    });
  }
  await t.test('a set that is none', async (t) => {
    const server = await withJwks(t, (_, response) => response.end('{"keys":7}'));
    t.equal((await server.ask(CHANNEL, await signer('a').sign())).status, 503);
    refusalLine(t, server.lines, 'jwks_unavailable');
  });
  await t.test('nobody listens', async (t) => {
    const { ask, lines } = harness(t, { jwt: { jwksUrl: 'http://127.0.0.1:9/jwks.json?secret=in-the-query' } });
    t.equal((await ask(CHANNEL, await signer('a').sign())).status, 503);
    noSecrets(t, lines, ['in-the-query']);
  });
});

t.test('while the JWKS is away it is not asked for every client; when it is back, all is well', async (t) => {
  const key = signer('a');
  const server = await withJwks(t, (_, response) => response.writeHead(500).end());
  const jwt = await key.sign();
  for (let n = 0; n < 20; n += 1) t.strictSame(await statuses(server, [jwt]), [503]);
  t.equal(server.requests(), 1);
  server.keySet.answer = serving(key);
  await until(async () => (await server.ask(CHANNEL, jwt)).status === 200, 'the keys are fetched again');
});

t.test('keys past half their age are renewed in the background, and an outage then is not felt', async (t) => {
  const key = signer('a');
  const server = await withJwks(t, serving(key), { jwksCacheSeconds: 4 });
  const jwt = await key.sign();
  t.strictSame(await statuses(server, [jwt]), [200]);
  server.keySet.answer = (_, response) => response.writeHead(500).end();
  await until(async () => {
    t.strictSame(await statuses(server, [jwt]), [200], 'the cached key serves on');
    return server.requests() > 1;
  }, 'the set is asked for before its age is up');
  server.keySet.answer = serving(key);
  await until(async () => {
    t.strictSame(await statuses(server, [jwt]), [200], 'and on');
    return server.requests() > 2;
  }, 'and asked for again');
});
