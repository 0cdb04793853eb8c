import { createHmac } from 'node:crypto';
import { createTokenVerifier } from '../../../src/auth/index.ts';
import { AuthRefusal, REFUSALS } from '../../../src/auth/refusals.ts';
import { capture, jwtSettings, SECRET } from '../../support/auth.ts';
import { type FuzzTarget, mustHold } from './target.ts';

const verifier = createTokenVerifier(jwtSettings({ secret: SECRET }), capture().logger);
const encoded = (text: string) => Buffer.from(text).toString('base64url');

/** `{…} {…}`, header and claims, become a signed token; anything else is taken as it is. */
function tokenOf(text: string): { token: string; isSigned: boolean } {
  const parts = /^(\{.*\}) (\{.*\})( unsigned)?$/s.exec(text);
  if (parts === null) return { token: text, isSigned: false };
  const [, header = '', claims = '', unsigned] = parts;
  const head = `${encoded(header)}.${encoded(claims)}`;
  if (unsigned !== undefined) return { token: `${head}.`, isSigned: false };
  const digest = header.includes('HS512') ? 'sha512' : header.includes('HS384') ? 'sha384' : 'sha256';
  return { token: `${head}.${createHmac(digest, SECRET).update(head).digest('base64url')}`, isSigned: true };
}

async function run(input: Buffer): Promise<number> {
  const { token, isSigned } = tokenOf(input.toString('utf8'));
  try {
    const user = await verifier.verify(token);
    mustHold(isSigned, `accepted without a signature: ${token}`);
    mustHold(user.id !== '' && user.id.length > 0, 'a user without an id');
  } catch (error) {
    if (!(error instanceof AuthRefusal)) throw error;
    mustHold(Object.hasOwn(REFUSALS, error.code), `a code that is not documented: ${error.code}`);
    mustHold(!error.message.includes(SECRET), 'the secret in a message');
    mustHold(token.length < 20 || !error.message.includes(token), 'the token in a message');
  }
  return 1;
}

export const tokens: FuzzTarget = {
  name: 'tokens',
  input: 'a token as it is, or `{header} {claims}` to be signed by HS256, 384 or 512; ` unsigned` leaves that out',
  examples: [
    '{"alg":"HS256","typ":"JWT"} {"sub":"42","exp":4102444800}',
    '{"alg":"none"} {"sub":"42"} unsigned',
    '{"alg":"HS512","crit":["exp"],"exp":1} {"sub":42,"nbf":1,"iat":1,"iss":"x","aud":["a"]}',
    'eyJhbGciOiJIUzI1NiJ9.e30.AAAA',
  ],
  dictionary: [
    ...[
      '"alg":',
      '"HS256"',
      '"HS512"',
      '"RS256"',
      '"none"',
      '"crit":',
      '"b64":false',
      '"kid":',
      '"jwk":',
      '"zip":"DEF"',
    ],
    ...[
      '"sub":',
      '"exp":',
      '"nbf":',
      '"aud":',
      '"iss":',
      'null',
      '1e400',
      '-1',
      '[]',
      '{}',
      '.',
      '=',
      ' ',
      ' unsigned',
    ],
  ],
  run,
};
