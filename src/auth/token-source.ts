import { parseCookie } from 'cookie';
import type { App } from '../core/contracts/app.ts';
import { printable } from '../protocol/channel-name.ts';
import { isOriginNamed, isSameHost } from './cross-origin.ts';
import { AuthRefusal } from './refusals.ts';

/** The request headers that matter here; empty if they were not sent. */
export interface TokenHeaders {
  readonly authorization: string;
  readonly cookie: string;
  readonly origin: string;
  readonly host: string;
}

const SCHEME = 'bearer';

/**
 * The token of a request: `Authorization: Bearer`, else the cookie if one is configured. A browser sends a cookie
 * whoever made the page, so a cookie counts only with an Origin that the app names or that is this very host; without
 * an Origin nothing tells where the request comes from. Throws an AuthRefusal.
 */
export function tokenOf(headers: TokenHeaders, app: App, cookieName: string | undefined): string {
  const bearer = bearerToken(headers.authorization);
  if (bearer === '') throw new AuthRefusal('token_missing', 'Authorization holds no token');
  if (bearer !== undefined) return bearer;
  if (cookieName === undefined) throw new AuthRefusal('token_missing', 'no Authorization: Bearer');
  const token = parseCookie(headers.cookie)[cookieName];
  if (token === undefined || token === '') {
    throw new AuthRefusal('token_missing', `neither Authorization: Bearer nor the cookie '${cookieName}'`);
  }
  const { origin, host } = headers;
  if (!isOriginNamed(app.allowedOrigins, origin) && !isSameHost(origin, host)) {
    const from = origin === '' ? 'a request without an Origin' : `'${printable(origin)}'`;
    throw new AuthRefusal(
      'cookie_origin_refused',
      `a token by cookie from ${from}, which neither allowedOrigins names nor is this host`,
    );
  }
  return token;
}

/** Empty if the header names the scheme and no token; undefined if it is no `Authorization: Bearer`. */
function bearerToken(authorization: string): string | undefined {
  if (authorization.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return undefined;
  const rest = authorization.slice(SCHEME.length);
  const token = rest.trim();
  const isApart = rest === '' || rest.startsWith(' ');
  return isApart && !/\s/.test(token) ? token : undefined;
}
