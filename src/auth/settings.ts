import { ASYMMETRIC_ALGORITHMS, HMAC_ALGORITHMS, isAlgorithm } from './algorithms.ts';
import type { FailureLimits } from './failure-blocks.ts';
import { MIN_SECRET_BYTES, parsePublicKey } from './key-material.ts';

/**
 * How a token is verified. Exactly one of `secret`, `publicKey` and `jwksUrl` is set: two of them would leave it to the
 * token which key it is checked against.
 */
export interface JwtSettings {
  /** For HS256, HS384 and HS512; taken as UTF-8. At least 32 bytes in production. */
  readonly secret: string | undefined;
  /** PEM (SPKI or X.509 certificate) or a JWK as JSON. */
  readonly publicKey: string | undefined;
  /** http or https; the keys are fetched on first use, cached, and fetched again for a `kid` that is not among them. */
  readonly jwksUrl: string | undefined;
  /** Accepted `iss` values; empty: any, or none. */
  readonly issuer: readonly string[];
  /** One of them must be in `aud`; empty: any, or none. */
  readonly audience: readonly string[];
  /** Accepted `alg` values; undefined: all that the configured key is made for. Never `none`. */
  readonly algorithms: readonly string[] | undefined;
  /** How far `exp` and `nbf` may be off the server's clock. Usually 5. */
  readonly clockToleranceSeconds: number;
  /** The claim that holds the user's id, such as `sub` or `userId`. */
  readonly userIdClaim: string;
  /** A fetched key set is used for this long; so a withdrawn key is accepted for that long at most. Usually 600. */
  readonly jwksCacheSeconds: number;
  /** An unknown `kid` does not cause another fetch sooner than this. Usually 30. */
  readonly jwksCooldownSeconds: number;
  /** How long one fetch of the key set may take. Usually 5. */
  readonly jwksTimeoutSeconds: number;
}

/** What the authorization endpoint does beside verifying tokens. */
export interface AuthSettings extends FailureLimits {
  /** The app of a request without `app_key`; needed only if there are several. */
  readonly appId: string | undefined;
  /** Take the token from this cookie if there is no `Authorization: Bearer`; undefined: never. */
  readonly cookieName: string | undefined;
  /** How long one rule may take, with what it asks of others. Usually 5. */
  readonly ruleTimeoutSeconds: number;
  /** Tell the server the user's id and the token's expiry on every guarded channel, not only on presence channels. */
  readonly signChannelData: boolean;
}

/** One thing wrong with the settings; `path` is the key within `JwtSettings`. */
export interface JwtProblem {
  readonly path: keyof JwtSettings | '';
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

/**
 * What is wrong with `settings`, as sentences without a secret in them. An error makes `createTokenVerifier` refuse;
 * a short secret is an error in production and a warning elsewhere.
 */
export function jwtProblems(settings: JwtSettings, production: boolean): JwtProblem[] {
  return [...keyProblems(settings, production), ...algorithmProblems(settings), ...valueProblems(settings)];
}

function error(path: JwtProblem['path'], message: string): JwtProblem {
  return { path, severity: 'error', message };
}

function keyProblems(settings: JwtSettings, production: boolean): JwtProblem[] {
  const sources = (['secret', 'publicKey', 'jwksUrl'] as const).filter((name) => settings[name] !== undefined);
  if (sources.length === 0) return [error('', 'one of secret, publicKey and jwksUrl must be set')];
  if (sources.length > 1) {
    return [error('', `only one of secret, publicKey and jwksUrl may be set; ${sources.join(' and ')} are`)];
  }
  if (settings.secret !== undefined) return secretProblems(settings.secret, production);
  if (settings.publicKey !== undefined) {
    const parsed = parsePublicKey(settings.publicKey);
    return 'problem' in parsed ? [error('publicKey', parsed.problem)] : [];
  }
  return /^https?:\/\/[^/]/.test(settings.jwksUrl ?? '') && URL.canParse(settings.jwksUrl ?? '')
    ? []
    : [error('jwksUrl', 'must be an http or https URL')];
}

function secretProblems(secret: string, production: boolean): JwtProblem[] {
  // A public key is no secret: whoever reads it could sign tokens with it.
  if (/-----BEGIN [A-Z0-9 ]+-----/.test(secret)) {
    return [error('secret', 'is a PEM key or certificate; set publicKey instead')];
  }
  if (secret === '') return [error('secret', 'must not be empty')];
  const bytes = Buffer.byteLength(secret);
  if (bytes >= MIN_SECRET_BYTES) return [];
  const message = `is ${bytes} bytes long and can be guessed; use at least ${MIN_SECRET_BYTES} random bytes`;
  return [{ path: 'secret', severity: production ? 'error' : 'warning', message }];
}

function algorithmProblems(settings: JwtSettings): JwtProblem[] {
  if (settings.algorithms === undefined) return [];
  if (settings.algorithms.length === 0) return [error('algorithms', 'must not be empty; leave it out for the default')];
  const usable = usableAlgorithms(settings);
  return settings.algorithms.flatMap((name) => {
    if (name.toLowerCase() === 'none')
      return [error('algorithms', 'must not hold none: anyone could write such a token')];
    if (!isAlgorithm(name)) return [error('algorithms', `unknown algorithm '${name}'`)];
    if (usable !== undefined && !usable.includes(name)) {
      return [error('algorithms', `${name} does not go with the configured key, which serves ${usable.join(', ')}`)];
    }
    return [];
  });
}

/** What the configured key could verify; undefined where there is no usable key, which is reported elsewhere. */
function usableAlgorithms(settings: JwtSettings): readonly string[] | undefined {
  if (settings.secret !== undefined) return HMAC_ALGORITHMS;
  if (settings.jwksUrl !== undefined) return ASYMMETRIC_ALGORITHMS;
  if (settings.publicKey === undefined) return undefined;
  const parsed = parsePublicKey(settings.publicKey);
  return 'problem' in parsed ? undefined : parsed.algorithms;
}

function valueProblems(settings: JwtSettings): JwtProblem[] {
  const problems: JwtProblem[] = [];
  if (settings.userIdClaim === '') problems.push(error('userIdClaim', 'must not be empty'));
  for (const path of ['clockToleranceSeconds', 'jwksCacheSeconds', 'jwksCooldownSeconds'] as const) {
    if (!(settings[path] >= 0 && Number.isFinite(settings[path]))) problems.push(error(path, 'must be 0 or more'));
  }
  if (!(settings.jwksTimeoutSeconds > 0 && Number.isFinite(settings.jwksTimeoutSeconds))) {
    problems.push(error('jwksTimeoutSeconds', 'must be more than 0'));
  }
  return problems;
}
