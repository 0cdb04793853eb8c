import { parseCookie } from 'cookie';
import type { App } from '../core/contracts/app.ts';
import { printable } from '../protocol/channel-name.ts';
import { isOriginNamed, isSameHost } from './cross-origin.ts';
import { AuthRefusal } from './refusals.ts';

/** The request headers that matter here; empty where they were not sent. */
export interface TokenHeaders {
  readonly authorization: string;
  readonly cookie: string;
  readonly origin: string;
  readonly host: string;
}

const BEARER = /^Bearer(?: +(\S*) *)?$/i;

/**
 * The token of a request: `Authorization: Bearer`, else the cookie where one is configured. A browser sends a cookie
 * whoever made the page, so a cookie counts only with an Origin that the app names or that is this very host; without
 * an Origin nothing tells where the request comes from. Throws an AuthRefusal.
 */
export function tokenOf(headers: TokenHeaders, app: App, cookieName: string | undefined): string {
  const bearer = BEARER.exec(headers.authorization);
  if (bearer !== null) {
    if (bearer[1] === undefined || bearer[1] === '')
      throw new AuthRefusal('token_missing', 'Authorization holds no token');
    return bearer[1];
  }
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
