import { createRemoteJWKSet, customFetch, errors, type FetchImplementation, type JWTVerifyGetKey } from 'jose';
import type { Logger } from '../core/contracts/logger.ts';
import { printable } from '../protocol/channel-name.ts';
import { fetchFailure, readBounded } from './bounded-fetch.ts';
import { AuthRefusal } from './refusals.ts';
import type { JwtSettings } from './settings.ts';

const MAX_JWKS_BYTES = 262_144;

/**
 * After a failed fetch the next waits this long, so that a thousand reconnecting clients do not ask a thousand times.
 */
const PAUSE_AFTER_FAILURE_MS = 1000;

/**
 * The keys of `settings.jwksUrl`: cached for `jwksCacheSeconds`, fetched again at once for an unknown `kid` (a
 * rotation), but not more often than each `jwksCooldownSeconds`. From half the cache's age on they are renewed in the
 * background, so that an outage of the identity provider shorter than the other half is noticed in the log only.
 */
export function createRemoteKeys(settings: JwtSettings, logger: Logger): JWTVerifyGetKey {
  const url = new URL(settings.jwksUrl ?? '');
  let fetchedAt = 0;
  let failedAt = Number.NEGATIVE_INFINITY;

  const boundedFetch: FetchImplementation = async (href, options) => {
    if (performance.now() - failedAt < PAUSE_AFTER_FAILURE_MS) throw new Error('the last attempt failed just now');
    try {
      const response = await fetch(href, options);
      const text = response.body === null ? '' : await readBounded(response.body, MAX_JWKS_BYTES);
      if (response.status !== 200) throw new Error(`status ${response.status} instead of 200`);
      JSON.parse(text);
      fetchedAt = performance.now();
      return new Response(text);
    } catch (cause) {
      failedAt = performance.now();
      logger.error(
        { code: 'jwks_unavailable', url: url.origin + url.pathname, reason: fetchFailure(cause) },
        'JWKS fetch failed',
      );
      throw cause;
    }
  };

  const keys = createRemoteJWKSet(url, {
    cacheMaxAge: settings.jwksCacheSeconds * 1000,
    cooldownDuration: settings.jwksCooldownSeconds * 1000,
    timeoutDuration: Math.ceil(settings.jwksTimeoutSeconds * 1000),
    [customFetch]: boundedFetch,
  });

  function renewEarly(): void {
    const ageMs = performance.now() - fetchedAt;
    if (!keys.fresh || keys.reloading || ageMs < settings.jwksCacheSeconds * 500) return;
    if (performance.now() - failedAt < PAUSE_AFTER_FAILURE_MS) return;
    keys.reload().catch((cause: unknown) => {
      logger.debug({ code: 'jwks_unavailable', reason: fetchFailure(cause) }, 'JWKS kept until its age is up');
    });
  }

  return async (header, token) => {
    renewEarly();
    try {
      return await keys(header, token);
    } catch (cause) {
      if (cause instanceof errors.JWKSMultipleMatchingKeys || cause instanceof errors.JOSENotSupported) throw cause;
      if (cause instanceof errors.JWKSNoMatchingKey) {
        const kid = header.kid === undefined ? 'no kid' : `kid '${printable(String(header.kid))}'`;
        throw new AuthRefusal('token_unknown_key', `no key in the JWKS for ${kid} and ${header.alg}`, { cause });
      }
      throw new AuthRefusal('jwks_unavailable', `the JWKS cannot be used: ${fetchFailure(cause)}`, { cause });
    }
  };
}
