import type { App } from '../../core/contracts/app.ts';
import type { HttpResponse } from '../../core/contracts/http.ts';
import { isOriginAllowed } from '../../core/lifecycle/origins.ts';
import type { Headers } from './output.ts';

/** The most that any browser keeps to. */
const PREFLIGHT_MAX_AGE_SECONDS = 86_400;

const VARY = ['Vary', 'Origin'] as const;

/**
 * Lets pages read the answer: of the app's origins, or of any if it names none. Without an app, anyone may read that.
 */
export function originHeaders(app: App | undefined, origin: string | undefined): Headers {
  if (origin === undefined) return [];
  if (app === undefined || app.allowedOrigins.length === 0) return [['Access-Control-Allow-Origin', '*']];
  if (!isOriginAllowed(app.allowedOrigins, origin)) return [VARY];
  return [['Access-Control-Allow-Origin', origin], VARY];
}

/**
 * What a browser asks before a request of another origin: their JSON content type makes each of pusher-js's one of
 * those.
 */
export function preflight(app: App | undefined, origin: string | undefined): HttpResponse {
  return {
    status: 204,
    body: '',
    headers: [
      ...originHeaders(app, origin),
      ['Access-Control-Allow-Methods', 'POST, OPTIONS'],
      ['Access-Control-Allow-Headers', 'Content-Type'],
      ['Access-Control-Max-Age', String(PREFLIGHT_MAX_AGE_SECONDS)],
    ],
  };
}

export function methodNotAllowed(method: string): HttpResponse {
  const body = `${method} is not possible here: the HTTP transports of pusher-js use POST`;
  return { status: 405, body, headers: [['Allow', 'POST, OPTIONS']] };
}
