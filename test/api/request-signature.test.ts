import fc from 'fast-check';
import t from 'tap';
import { parseQuery, percentDecoded, type QueryPair } from '../../src/api/query.ts';
import { verifyRequest } from '../../src/api/request-signature.ts';
import { Refusal } from '../../src/api/responses.ts';
import type { HttpRequest } from '../../src/core/contracts/http.ts';
import { app, KEY, NOW_SECONDS, request, SECRET, signedQuery } from '../support/api.ts';
import { hmac, md5, requestSignature } from '../support/signing.ts';

const EVENTS = '/apps/3/events';
const BODY = '{"name":"foo","channels":["project-3"],"data":"{\\"some\\":\\"data\\"}"}';
const AUTH = { auth_key: KEY, auth_timestamp: String(NOW_SECONDS), auth_version: '1.0' };

function verify(sent: HttpRequest, nowMs = NOW_SECONDS * 1000): readonly QueryPair[] {
  return verifyRequest(app(), sent, parseQuery(sent.query), nowMs);
}

/** The sentence of a refusal; undefined for a request that was accepted. */
function refusal(sent: HttpRequest, nowMs?: number): string | undefined {
  try {
    verify(sent, nowMs);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal && (error.status === 401 || error.status === 400)) return error.message;
    throw error;
  }
}

/** A query that is sent as given, with the signature of `signed`, a finished string of parameters. */
function handSigned(method: string, path: string, signed: string, sent = signed): HttpRequest {
  return request(method, path, `${sent}&auth_signature=${hmac(SECRET, `${method}\n${path}\n${signed}`)}`);
}

t.test('the published vector', async (t) => {
  const query =
    'auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f&auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c';
  t.equal(refusal(request('POST', EVENTS, query, BODY)), undefined);
});

t.test('the habits of the official libraries', async (t) => {
  const auth = `auth_key=${KEY}&auth_timestamp=${NOW_SECONDS}&auth_version=1.0`;
  const path = '/apps/3/channels';
  const accepted: Array<[string, HttpRequest, string?, string?]> = [
    ['Python: a body_md5 on a GET', handSigned('GET', path, `${auth}&body_md5=${md5('')}`)],
    ['Ruby: a space as a plus', handSigned('GET', path, `${auth}&info=a b`, `${auth}&info=a+b`), 'info', 'a b'],
    ['PHP: a space as %20', handSigned('GET', path, `${auth}&info=a b`, `${auth}&info=a%20b`), 'info', 'a b'],
    ['Node: a plus as it is', handSigned('GET', path, `${auth}&info=a+b`), 'info', 'a+b'],
    [
      'Node: a plus, and the rest encoded',
      handSigned('GET', path, `${auth}&info=a+b é`, `${auth}&info=a+b%20%C3%A9`),
      'info',
      'a+b é',
    ],
    ['Python: what looks like an escape', handSigned('GET', path, `${auth}&info=%41`), 'info', '%41'],
    ['Ruby: a list', handSigned('GET', path, `${auth}&info[]=b&info[]=a`), 'info[]', 'b'],
    [
      'Ruby: a list, encoded',
      handSigned('GET', path, `${auth}&info[]=b&info[]=a`, `${auth}&info%5B%5D=b&info%5B%5D=a`),
      'info[]',
      'b',
    ],
    ['PHP: a list', handSigned('GET', path, `${auth}&info=b,a`, `info%5B0%5D=b&info%5B1%5D=a&${auth}`), 'info', 'b,a'],
    ['keys in lower case, sorted', handSigned('GET', path, `${auth}&info=x&zoo=y`, `Zoo=y&INFO=x&${auth}`), 'zoo', 'y'],
    ['an equals sign in a value', handSigned('GET', path, `${auth}&info=a=b`), 'info', 'a=b'],
  ];
  for (const [what, sent, name, value] of accepted) {
    const signed = verify(sent);
    t.equal(signed.find(([given]) => given === name)?.[1], value, what);
  }
});

t.test('the path as it was sent, decoded, or with the prefix in front', async (t) => {
  const raw = '/apps/3/users/a%20b/terminate_connections';
  const decoded = '/apps/3/users/a b/terminate_connections';
  const sent = (signed: string): HttpRequest => ({
    ...request('POST', raw, signedQuery('POST', signed, {}, '{}'), '{}'),
    fullPath: `/fan%20fare${raw}`,
  });
  for (const path of [raw, decoded, `/fan%20fare${raw}`, `/fan fare${decoded}`]) {
    t.equal(refusal(sent(path)), undefined, path);
  }
  for (const path of ['/apps/3/users/a/terminate_connections', `/other${raw}`, `${raw}/`]) {
    t.match(refusal(sent(path)), /^Invalid signature/, path);
  }
});

t.test('a bad signature is answered with the string to sign', async (t) => {
  const query = 'b=2&Auth_Key=278d425bdf160c739803&auth_version=1.0&a=%22&auth_timestamp=1353088179&auth_signature=abc';
  t.equal(
    refusal(request('GET', '/apps/3/channels', query)),
    'Invalid signature: you should have sent HmacSHA256Hex("GET\\n/apps/3/channels\\na=\\"&auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&b=2", your_secret_key)',
  );
});

t.test('what else is refused', async (t) => {
  const post = (query: string, body = BODY): HttpRequest => request('POST', EVENTS, query, body);
  const params = (changes: Record<string, string>): string => signedQuery('POST', EVENTS, changes, BODY);
  const dropped = (name: string): string =>
    params({})
      .split('&')
      .filter((part) => !part.startsWith(`${name}=`))
      .join('&');
  for (const name of ['auth_key', 'auth_version', 'auth_signature']) {
    t.match(refusal(post(dropped(name))), new RegExp(`^${name} is missing`), name);
  }
  const untimed = { auth_key: KEY, auth_version: '1.0', body_md5: md5(BODY) };
  const query = new URLSearchParams({ ...untimed, auth_signature: requestSignature(SECRET, 'POST', EVENTS, untimed) });
  t.match(refusal(post(query.toString())), /^auth_timestamp is missing/);
  t.match(refusal(post('')), /^auth_key is missing/);
  t.match(refusal(post(params({ auth_key: 'x' }))), /^auth_key 'x' is not the key of app '3'/);
  t.match(refusal(post(params({ auth_version: '2.0' }))), /^auth_version '2.0' is not supported/);
  t.match(refusal(post(dropped('body_md5'))), /^Invalid signature/, 'taken out after signing');
  const bare = signedQuery('POST', EVENTS, AUTH);
  t.match(refusal(post(bare)), /^body_md5 is missing/, 'never signed');
  t.equal(refusal(post(bare, '')), undefined, 'no body, no body_md5');
  t.match(refusal(post(params({}), `${BODY} `)), /^Invalid body_md5: the body that arrived, 69 bytes/);
  t.match(refusal(post(params({ body_md5: '' }))), /^Invalid body_md5/);
  t.match(refusal({ ...post(params({})), method: 'GET' }), /^Invalid signature/, 'another method');
  const stranger = { key: KEY, secret: 'guess' };
  t.match(refusal(post(signedQuery('POST', EVENTS, {}, BODY, stranger))), /^Invalid signature/, 'another secret');
});

t.test('the clock may differ by ten minutes either way', async (t) => {
  const sent = request('POST', EVENTS, signedQuery('POST', EVENTS, {}, BODY), BODY);
  for (const offset of [-600, 600]) t.equal(refusal(sent, (NOW_SECONDS + offset) * 1000), undefined);
  for (const offset of [-601, 601]) {
    const said = refusal(sent, (NOW_SECONDS + offset) * 1000) ?? '';
    const direction = offset > 0 ? 'behind' : 'ahead of';
    t.match(said, /^Timestamp expired: auth_timestamp '1353088179' \(2012-11-16T17:49:39Z\) is 601 s/);
    const server = offset > 0 ? '1353088780 (2012-11-16T17:59:40Z)' : '1353087578 (2012-11-16T17:39:38Z)';
    t.match(said, `is 601 s ${direction} the server's clock, ${server}; at most 600 s are allowed: check both clocks`);
  }
  for (const timestamp of ['abc', 'NaN', 'Infinity', `${NOW_SECONDS}x`, `${NOW_SECONDS}000`]) {
    const bad = request('POST', EVENTS, signedQuery('POST', EVENTS, { auth_timestamp: timestamp }, BODY), BODY);
    t.match(refusal(bad), /^Timestamp expired/, timestamp);
  }
});

const text = fc.string({ unit: 'binary', maxLength: 12 });
const params = fc
  .dictionary(fc.oneof(text, fc.constantFrom('info', 'Info', 'filter_by_prefix', 'a[]', 'a[0]')), text, { maxKeys: 6 })
  .map((found) => {
    // Names that differ in case alone are one name to a signature, and which of them comes first is anybody's guess.
    const named = new Map(Object.entries(found).map(([name, value]) => [name.toLowerCase(), value]));
    return [...named].filter(([name]) => name !== '' && !name.startsWith('auth_') && name !== 'body_md5');
  });
const encoders: ReadonlyArray<(text: string) => string> = [
  encodeURIComponent,
  (plain) => encodeURIComponent(plain).replaceAll('%20', '+'),
  (plain) => [...Buffer.from(plain)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
];
const correct = fc
  .record({
    params,
    body: fc.uint8Array({ maxLength: 40 }),
    segment: text,
    encode: fc.constantFrom(...encoders),
    rawPath: fc.boolean(),
    order: fc.infiniteStream(fc.nat()),
  })
  .map(({ params, body, segment, encode, rawPath, order }) => {
    const path = `/apps/3/channels/${encodeURIComponent(segment)}`;
    const all: [string, string][] = [...Object.entries(AUTH), ['body_md5', md5(body)], ...params];
    const signature = requestSignature(SECRET, 'POST', rawPath ? path : percentDecoded(path), Object.fromEntries(all));
    const sent: [string, string][] = [...all, ['auth_signature', signature]];
    const shuffled = sent
      .map((pair) => ({ pair, at: order.next().value ?? 0 }))
      .sort((one, other) => one.at - other.at)
      .map(({ pair }) => pair);
    const query = shuffled.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
    return { sent: { ...request('POST', path, query), body: Buffer.from(body) }, meant: canonical(all) };
  });

function canonical(pairs: readonly QueryPair[]): string {
  const kept = pairs.filter(([name]) => name !== 'auth_signature');
  return JSON.stringify(kept.map(([name, value]) => [name.toLowerCase(), value]).sort());
}

t.test('whatever a correct client signs is accepted, and read as it was meant', async (t) => {
  t.doesNotThrow(
    () =>
      fc.assert(
        fc.property(correct, ({ sent, meant }) => canonical(verify(sent)) === meant),
        { numRuns: 300 },
      ),
    '300 requests',
  );
});

t.test('no bit of a signed request can be changed so that it means something else', async (t) => {
  const part = fc.constantFrom('path', 'query', 'body');
  let refusals = 0;
  fc.assert(
    fc.property(correct, part, fc.nat(), ({ sent, meant }, part, position) => {
      const bytes = Buffer.from(sent[part]);
      if (bytes.length === 0) return true;
      const at = position % (bytes.length * 8);
      bytes.writeUInt8(bytes.readUInt8(at >> 3) ^ (1 << (at & 7)), at >> 3);
      const changed = part === 'body' ? { ...sent, body: bytes } : { ...sent, [part]: bytes.toString('latin1') };
      const tampered = part === 'path' ? { ...changed, fullPath: changed.path } : changed;
      if (refusal(tampered) !== undefined) {
        refusals += 1;
        return true;
      }
      // The case of a name, or of an escape's digits, means nothing.
      return (
        part !== 'body' &&
        canonical(verify(tampered)) === meant &&
        percentDecoded(tampered.path) === percentDecoded(sent.path)
      );
    }),
    { numRuns: 800 },
  );
  t.ok(refusals > 400, `${refusals} of 800 were refused`);
});
