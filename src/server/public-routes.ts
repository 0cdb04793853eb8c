import { type ApiDeps, createApi, createApiRefusal, IDEMPOTENCY_KEY } from '../api/index.ts';
import type { Current } from '../core/contracts/current.ts';
import type { HttpEndpoint } from '../core/contracts/http.ts';
import { CLIENT_FILES, clientFilesEndpoint } from '../transport/client-files.ts';
import type { HttpRoute, StreamedRoute } from '../transport/http-routes.ts';

/** What the public port serves beside WebSockets, authorization and the HTTP transports. */
export function publicRoutes(maxApiBodyBytes: Current<number>, api: ApiDeps, isReady: () => boolean): HttpRoute[] {
  return [
    {
      matches: (path) => path.startsWith('/apps/') || path.startsWith('/users/'),
      headers: ['origin', IDEMPOTENCY_KEY],
      isHot: true,
      get maxBodyBytes() {
        return maxApiBodyBytes();
      },
      refusal: createApiRefusal(api),
      endpoint: createApi(api),
    },
    {
      matches: (path) => Object.hasOwn(CLIENT_FILES, path),
      headers: ['if-none-match'],
      maxBodyBytes: 0,
      endpoint: clientFilesEndpoint(),
    },
    { matches: (path) => path === '/', headers: [], maxBodyBytes: 0, endpoint: alive },
    { matches: (path) => path === '/ready', headers: [], maxBodyBytes: 0, endpoint: async () => readiness(isReady()) },
  ];
}

/** The largest body that a route takes. */
export function maxBodyBytes(route: HttpRoute | StreamedRoute): number {
  return 'endpoint' in route ? route.maxBodyBytes : 0;
}

export const alive: HttpEndpoint = async () => ({ status: 200, body: 'OK' });

function readiness(ready: boolean) {
  return ready ? { status: 200, body: 'ready' } : { status: 503, body: 'not ready' };
}
