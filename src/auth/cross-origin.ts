import type { App } from '../core/contracts/app.ts';
import { isOriginAllowed } from '../core/lifecycle/origins.ts';

/** Chrome's upper bound. */
const PREFLIGHT_SECONDS = 7200;

/** A browser's origin is ASCII; what else stands there may not stand in a header of the answer. */
const ORIGIN = /^[\x21-\x7e]+$/;

const HEADER_NAMES = /^[A-Za-z0-9!#$%&'*+.^_`|~ ,-]{1,1000}$/;

/**
 * The CORS headers of any answer. A preflight names no app, so an origin may read the answer if one of the apps
 * allows it; each request is then held to its own app. Cookies are only let through for an origin that an app names:
 * never for `*`.
 */
export function corsHeaders(apps: readonly App[], origin: string, cookies: boolean): Record<string, string> {
  const vary = { Vary: 'Origin' };
  if (!ORIGIN.test(origin) || !apps.some((app) => isOriginAllowed(app.allowedOrigins, origin))) return vary;
  const credentials = cookies && apps.some((app) => isOriginNamed(app.allowedOrigins, origin));
  return {
    ...vary,
    'Access-Control-Allow-Origin': origin,
    ...(credentials ? { 'Access-Control-Allow-Credentials': 'true' } : {}),
  };
}

/**
 * What a preflight is told besides. `*` would leave out Authorization, so the names asked for are given back. (Fetch
 * standard)
 */
export function preflightHeaders(requestedHeaders: string): Record<string, string> {
  return {
    'Access-Control-Allow-Methods': 'POST, OPTIONS',
    'Access-Control-Allow-Headers': HEADER_NAMES.test(requestedHeaders)
      ? requestedHeaders
      : 'Authorization, Content-Type, X-Requested-With, X-CSRF-TOKEN',
    'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
  };
}

/** Whether the list means this origin: "any origin" does not count, nor does a sandboxed page's `null`. */
export function isOriginNamed(allowed: readonly string[], origin: string): boolean {
  const named = allowed.filter((pattern) => pattern !== '*' && pattern !== 'null');
  return origin !== '' && named.length > 0 && isOriginAllowed(named, origin);
}

/** The page came from the host that it now asks. The scheme is not compared: a TLS proxy in front hides it. */
export function isSameHost(origin: string, host: string): boolean {
  return host !== '' && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
