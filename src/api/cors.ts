import type { App } from '../core/contracts/app.ts';
import type { HttpResponse } from '../core/contracts/http.ts';
import { isOriginAllowed } from '../core/lifecycle/origins.ts';
import { printable } from '../protocol/channel-name.ts';
import { type Header, Refusal } from './responses.ts';
import type { Endpoint } from './router.ts';

/** Browsers cap it at this or less. */
const PREFLIGHT_MAX_AGE_SECONDS = 7200;

/** Lets a page of an allowed origin read the response; one of another origin gets it unreadable. */
export function withCors(app: App, origin: string | undefined, response: HttpResponse): HttpResponse {
  if (origin === undefined) return response;
  return { ...response, headers: [...(response.headers ?? []), ...originHeaders(app, origin)] };
}

/** Answers the question that a browser asks before a request of another origin. */
export function preflight(app: App, origin: string | undefined, endpoint: Endpoint): HttpResponse {
  if (origin !== undefined && !isOriginAllowed(app.allowedOrigins, origin)) {
    throw new Refusal(403, `The origin '${printable(origin)}' is not among the app's allowed origins`);
  }
  const headers: Header[] = [
    ['Allow', allowOf(endpoint)],
    ['Access-Control-Allow-Methods', allowOf(endpoint)],
    ['Access-Control-Allow-Headers', 'Content-Type, Idempotency-Key, X-Pusher-Library'],
    ['Access-Control-Max-Age', String(PREFLIGHT_MAX_AGE_SECONDS)],
  ];
  return { status: 204, body: '', headers };
}

export function allowOf(endpoint: Endpoint): string {
  return `${endpoint.method}, OPTIONS`;
}

function originHeaders(app: App, origin: string): readonly Header[] {
  const exposed: Header = ['Access-Control-Expose-Headers', 'Retry-After, Idempotent-Replayed'];
  if (app.allowedOrigins.length === 0) return [['Access-Control-Allow-Origin', '*'], exposed];
  const vary: Header = ['Vary', 'Origin'];
  if (!isOriginAllowed(app.allowedOrigins, origin)) return [vary];
  return [['Access-Control-Allow-Origin', origin], exposed, vary];
}
