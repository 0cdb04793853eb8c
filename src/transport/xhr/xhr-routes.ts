import type { AppRegistry } from '../../core/contracts/app.ts';
import type { HttpRequest, HttpResponse } from '../../core/contracts/http.ts';
import type { HttpRoute, StreamedRoute } from '../http-routes.ts';
import { methodNotAllowed, originHeaders, preflight } from './xhr-cors.ts';
import { isSockJsPath, type XhrPath, xhrPathOf } from './xhr-path.ts';
import type { XhrTransport } from './xhr-transport.ts';

export interface XhrRoutesOptions {
  readonly transport: XhrTransport;
  readonly apps: AppRegistry;
  /** Of one message from a client. */
  readonly maxMessageBytes: number;
  /** The server itself ends TLS. */
  readonly tls: boolean;
}

/** A message is a string of JSON within JSON, so its quotes and backslashes take two bytes. */
const ESCAPED = 2;

const OPENER_HEADERS = ['origin', 'user-agent'];

/** The paths of the HTTP transports of pusher-js. */
export function xhrRoutes({ transport, apps, maxMessageBytes, tls }: XhrRoutesOptions): (HttpRoute | StreamedRoute)[] {
  const routed = (
    request: HttpRequest,
    post: (path: XhrPath) => HttpResponse | undefined,
  ): HttpResponse | undefined => {
    const path = xhrPathOf(request.path);
    if (path === undefined) return undefined;
    const app = apps.findByKey(path.appKey);
    const origin = request.headers.get('origin');
    if (request.method === 'OPTIONS') return preflight(app, origin);
    const answer = request.method === 'POST' ? post(path) : methodNotAllowed(request.method);
    return answer && { ...answer, headers: [...(answer.headers ?? []), ...originHeaders(app, origin)] };
  };
  return [
    {
      matches: (path) => /\/xhr(?:_streaming)?$/.test(path) && xhrPathOf(path) !== undefined,
      headers: [...OPENER_HEADERS, 'x-forwarded-proto'],
      take: (res, request) =>
        routed(request, (path) => transport.receive(res, path, request, tls || request.cameOverTls)),
    },
    {
      matches: (path) => path.endsWith('/xhr_send') && xhrPathOf(path) !== undefined,
      headers: OPENER_HEADERS,
      maxBodyBytes: maxMessageBytes * ESCAPED,
      endpoint: async (request) => routed(request, (path) => transport.send(path, request)) ?? NOT_FOUND,
    },
    { matches: isSockJsPath, headers: [], maxBodyBytes: maxMessageBytes, endpoint: async () => NO_SOCKJS },
  ];
}

const NOT_FOUND: HttpResponse = { status: 404, body: 'Nothing is served here' };

/** Any page may read it, and so its client turns to the next transport at once. */
const NO_SOCKJS: HttpResponse = {
  status: 404,
  body: 'SockJS is not spoken here: use a WebSocket, or the transports xhr_streaming and xhr_polling of pusher-js',
  headers: [['Access-Control-Allow-Origin', '*']],
};
