import { type CryptoKey, errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { Logger } from '../core/contracts/logger.ts';
import { printable } from '../protocol/channel-name.ts';
import { ASYMMETRIC_ALGORITHMS, HMAC_ALGORITHMS } from './algorithms.ts';
import { createRemoteKeys } from './jwks.ts';
import { parsePublicKey } from './key-material.ts';
import { AuthRefusal } from './refusals.ts';
import { type JwtSettings, jwtProblems } from './settings.ts';

/** The user whom a token names. */
export interface VerifiedUser {
  /** The claim named by `userIdClaim`, as text that is not empty. */
  readonly id: string;
  /** All claims of the token. */
  readonly claims: Readonly<JWTPayload>;
  /** Unix seconds; undefined if the token does not expire. */
  readonly expiresAt: number | undefined;
}

export interface TokenVerifier {
  /** Rejects with an AuthRefusal whose code begins with `token_`, or is `jwks_unavailable`; nothing else. */
  verify(token: string): Promise<VerifiedUser>;
}

/** Longer than any real token: what is longer is not worth the time to verify it. */
const MAX_TOKEN_LENGTH = 16_384;

type Key = Exclude<Parameters<typeof jwtVerify>[1], JWTVerifyGetKey> | JWTVerifyGetKey;

/**
 * A verifier of signed JWTs. The algorithms are settled here, from the configured key and never from the token: so a
 * public key is never taken for an HMAC secret. Throws a sentence if `jwtProblems` has an error.
 */
export function createTokenVerifier(settings: JwtSettings, logger: Logger): TokenVerifier {
  const problem = jwtProblems(settings, false).find(({ severity }) => severity === 'error');
  if (problem !== undefined) throw new Error(`JWT settings: ${problem.path} ${problem.message}`.replace(/ +/g, ' '));
  const { key, algorithms } = keyOf(settings, logger);
  const options: JWTVerifyOptions = {
    algorithms: [...(settings.algorithms ?? algorithms)],
    clockTolerance: settings.clockToleranceSeconds,
    ...(settings.issuer.length > 0 ? { issuer: [...settings.issuer] } : {}),
    ...(settings.audience.length > 0 ? { audience: [...settings.audience] } : {}),
  };
  return {
    async verify(token) {
      if (token === '') throw new AuthRefusal('token_missing');
      if (token.length > MAX_TOKEN_LENGTH) {
        throw new AuthRefusal('token_malformed', `the token is over ${MAX_TOKEN_LENGTH} characters long`);
      }
      try {
        return userOf(await verifyWithAny(token, key, options), settings.userIdClaim);
      } catch (cause) {
        throw refusalOf(cause);
      }
    },
  };
}

function keyOf(settings: JwtSettings, logger: Logger): { key: Key; algorithms: readonly string[] } {
  if (settings.secret !== undefined) return { key: secretKeys(settings.secret), algorithms: HMAC_ALGORITHMS };
  if (settings.publicKey !== undefined) {
    const parsed = parsePublicKey(settings.publicKey);
    if ('problem' in parsed) throw new Error(`JWT settings: publicKey ${parsed.problem}`);
    return parsed;
  }
  return { key: createRemoteKeys(settings, logger), algorithms: ASYMMETRIC_ALGORITHMS };
}

/**
 * A secret as a key of the platform, one for each algorithm that tokens ask for. Handed the bytes, jose would import
 * them for every token, a quarter of what verifying costs.
 */
function secretKeys(secret: string): JWTVerifyGetKey {
  const bytes = new TextEncoder().encode(secret);
  const keys = new Map<string, Promise<CryptoKey>>();
  // jose asks for none but the algorithms that are allowed.
  return ({ alg }) => {
    const known = keys.get(alg);
    if (known !== undefined) return known;
    // `HS256` is HMAC with SHA-256. (RFC 7518, section 3.2)
    const hmac = { name: 'HMAC', hash: `SHA-${alg.slice(2)}` };
    const imported = crypto.subtle.importKey('raw', bytes, hmac, false, ['verify']);
    keys.set(alg, imported);
    return imported;
  };
}

/** A token without a `kid` may fit several keys of a set; each is tried. */
async function verifyWithAny(token: string, key: Key, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, key, options)).payload;
  } catch (cause) {
    if (!(cause instanceof errors.JWKSMultipleMatchingKeys)) throw cause;
    for await (const candidate of cause) {
      try {
        return (await jwtVerify(token, candidate, options)).payload;
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

function userOf(claims: JWTPayload, userIdClaim: string): VerifiedUser {
  const value = Object.hasOwn(claims, userIdClaim) ? claims[userIdClaim] : undefined;
  const isText = typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value));
  const id = isText ? String(value) : '';
  if (id === '') {
    throw new AuthRefusal(
      'token_user_missing',
      `the claim '${userIdClaim}' is ${value === undefined ? 'missing' : 'neither text nor a whole number'}`,
    );
  }
  const expiresAt = claims.exp === undefined ? undefined : Math.floor(claims.exp);
  if (expiresAt !== undefined && !Number.isSafeInteger(expiresAt)) {
    throw new AuthRefusal('token_malformed', 'the claim exp is not a time');
  }
  return Object.freeze({ id, claims: Object.freeze(claims), expiresAt });
}

/** jose's errors told apart by their codes; their messages are not logged, since some quote the token. */
function refusalOf(cause: unknown): AuthRefusal {
  if (cause instanceof AuthRefusal) return cause;
  if (cause instanceof errors.JWTExpired) return new AuthRefusal('token_expired');
  if (cause instanceof errors.JWTClaimValidationFailed) return claimRefusal(cause);
  if (cause instanceof errors.JOSEAlgNotAllowed) return new AuthRefusal('token_algorithm_not_allowed');
  if (cause instanceof errors.JOSENotSupported) {
    return new AuthRefusal('token_malformed', 'the token asks for an extension that is not supported');
  }
  if (cause instanceof errors.JWSSignatureVerificationFailed) return new AuthRefusal('token_bad_signature');
  if (cause instanceof errors.JWSInvalid || cause instanceof errors.JWTInvalid)
    return new AuthRefusal('token_malformed');
  // What is left are TypeErrors of key imports: the token's header asks for what the key cannot do.
  return new AuthRefusal('token_bad_signature', 'the key cannot verify this token', { cause });
}

function claimRefusal({ claim, reason, payload }: errors.JWTClaimValidationFailed): AuthRefusal {
  const value = payload[claim];
  const found = reason === 'missing' ? 'is missing' : `is '${printable(String(value))}'`;
  if (claim === 'iss') return new AuthRefusal('token_wrong_issuer', `the claim iss ${found}`);
  if (claim === 'aud') return new AuthRefusal('token_wrong_audience', `the claim aud ${found}`);
  if (claim === 'nbf' && reason === 'check_failed') return new AuthRefusal('token_not_yet_valid');
  return new AuthRefusal('token_malformed', `the claim ${claim} is not what it has to be`);
}
