import type { AppRegistry } from '../../core/contracts/app.ts';
import type { HttpRequest, HttpResponse } from '../../core/contracts/http.ts';
import type { HttpRoute, StreamedRoute } from '../http-routes.ts';
import { methodNotAllowed, originHeaders, preflight } from './xhr-cors.ts';
import { isSockJsPath, type XhrPath, xhrPathOf } from './xhr-path.ts';
import type { XhrRequests } from './xhr-requests.ts';

export interface XhrRoutesOptions {
  readonly requests: XhrRequests;
  readonly apps: AppRegistry;
  /** The largest message that a client may send. */
  readonly maxMessageBytes: number;
  /** The server itself ends TLS. */
  readonly tls: boolean;
}

/** A message is a string of JSON within JSON, so its quotes and backslashes take two bytes. */
const ESCAPED = 2;

const OPENER_HEADERS = ['origin', 'user-agent'];

/** The paths of the HTTP transports of pusher-js. */
export function xhrRoutes({ requests, apps, maxMessageBytes, tls }: XhrRoutesOptions): (HttpRoute | StreamedRoute)[] {
  /** What is answered without looking at a session; undefined for what it is to be looked at. */
  const early = ({ method, headers }: HttpRequest, path: XhrPath): HttpResponse | undefined => {
    if (method === 'OPTIONS') return preflight(apps.findByKey(path.appKey), headers.get('origin'));
    return method === 'POST' ? undefined : readable(methodNotAllowed(method), path, headers.get('origin'));
  };
  const readable = (answer: HttpResponse, { appKey }: XhrPath, origin: string | undefined): HttpResponse => {
    const headers = [...(answer.headers ?? []), ...originHeaders(apps.findByKey(appKey), origin)];
    return { ...answer, headers };
  };
  return [
    {
      matches: (path) => /\/xhr(?:_streaming)?$/.test(path) && xhrPathOf(path) !== undefined,
      headers: [...OPENER_HEADERS, 'x-forwarded-proto'],
      take: (res, request) => {
        const path = xhrPathOf(request.path);
        if (path === undefined) return NOT_FOUND;
        const answer = early(request, path);
        if (answer !== undefined) return answer;
        const refusal = requests.receive(res, path, request, tls || request.cameOverTls);
        return refusal && readable(refusal, path, request.headers.get('origin'));
      },
    },
    {
      matches: (path) => path.endsWith('/xhr_send') && xhrPathOf(path) !== undefined,
      headers: OPENER_HEADERS,
      maxBodyBytes: maxMessageBytes * ESCAPED,
      endpoint: async (request) => {
        const path = xhrPathOf(request.path);
        if (path === undefined) return NOT_FOUND;
        const answer = early(request, path);
        return answer ?? readable(await requests.send(path, request), path, request.headers.get('origin'));
      },
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
