import type { App } from '../core/contracts/app.ts';
import { BrokerUnavailable } from '../core/contracts/broker.ts';
import type { HttpEndpoint, HttpRequest, HttpResponse } from '../core/contracts/http.ts';
import { printable } from '../protocol/channel-name.ts';
import { sha256 } from '../protocol/signatures.ts';
import type { ApiCall, ApiDeps } from './api-call.ts';
import { allowOf, preflight, withCors } from './cors.ts';
import { IDEMPOTENCY_KEY, once } from './once.ts';
import { parameter, parseQuery, type QueryPair } from './query.ts';
import { verifyHead, verifyRequest } from './request-signature.ts';
import { plain, Refusal, refused, retryAfter } from './responses.ts';
import { ENDPOINTS, type Route, routeOf } from './router.ts';

export type { ApiDeps } from './api-call.ts';
export { IDEMPOTENCY_KEY } from './once.ts';

const UNAVAILABLE_RETRY_SECONDS = 1;

/**
 * The Pusher HTTP API: what backends call, below `/apps/{id}`. Errors are plain sentences. Nothing about an app but its
 * existence is told to whoever does not hold its secret.
 */
export function createApi(deps: ApiDeps): HttpEndpoint {
  return async (request) => {
    let app: App | undefined;
    let response: HttpResponse;
    try {
      const route = routeFor(request);
      const query = parseQuery(request.query);
      app = appOf(deps, route, query);
      response = await answer(deps, app, route, request, query);
    } catch (error) {
      response = failure(deps, request, error);
    }
    return told(deps, app, request, response);
  };
}

/** The answer to a request that is refused whatever its body: nobody's body takes memory but a backend's. */
export function createApiRefusal(deps: ApiDeps): (request: HttpRequest) => HttpResponse | undefined {
  return (request) => {
    let app: App | undefined;
    try {
      const route = routeFor(request);
      const query = parseQuery(request.query);
      app = appOf(deps, route, query);
      if (request.method === 'OPTIONS') return undefined;
      checkName(app, route);
      verifyHead(app, request, query, (deps.now ?? Date.now)());
      return undefined;
    } catch (error) {
      return told(deps, app, request, failure(deps, request, error));
    }
  };
}

function told(deps: ApiDeps, app: App | undefined, request: HttpRequest, response: HttpResponse): HttpResponse {
  deps.metrics.apiAnswers.add(String(response.status));
  return app === undefined ? response : withCors(app, request.headers.get('origin'), response);
}

function routeFor(request: HttpRequest): Route {
  const route = routeOf(request.path);
  if (route === undefined) {
    const endpoints = ENDPOINTS.map(({ method, path }) => `${method} ${path}`).join(', ');
    throw new Refusal(404, `There is nothing at ${printable(request.path)}: the endpoints are ${endpoints}`);
  }
  const { endpoint } = route;
  if (request.method === endpoint.method || request.method === 'OPTIONS') return route;
  throw new Refusal(405, `${printable(request.method)} is not for ${endpoint.path}: send a ${endpoint.method}`, [
    ['Allow', allowOf(endpoint)],
  ]);
}

function appOf(deps: ApiDeps, route: Route, query: readonly QueryPair[]): App {
  if (route.appId !== undefined) {
    const app = deps.apps.findById(route.appId);
    if (app !== undefined) return app;
    throw new Refusal(404, `There is no app '${printable(route.appId)}': the path is /apps/{id}/…, with the app's id`);
  }
  const key = parameter(query, 'auth_key') ?? '';
  const app = deps.apps.findByKey(key);
  if (app !== undefined) return app;
  throw new Refusal(401, `auth_key '${printable(key)}' is not the key of any app`);
}

/** Before the signature, which costs by the length of what is signed. */
function checkName({ limits }: App, { name }: Route): void {
  // A channel may be named after a user.
  if (name.length <= limits.maxChannelNameLength + limits.maxUserIdLength) return;
  throw new Refusal(400, `The name in the path is ${name.length} characters long: no channel or user has such a name`);
}

function answer(
  deps: ApiDeps,
  app: App,
  route: Route,
  request: HttpRequest,
  query: readonly QueryPair[],
): HttpResponse | Promise<HttpResponse> {
  if (request.method === 'OPTIONS') return preflight(app, request.headers.get('origin'), route.endpoint);
  checkName(app, route);
  const signed = verifyRequest(app, request, query, (deps.now ?? Date.now)());
  if (!app.enabled) throw new Refusal(403, `The app '${app.id}' is disabled`);
  const { endpoint, name } = route;
  const { body } = request;
  const call: ApiCall = { deps, app, name, query: signed, body };
  const key = endpoint.isTrigger ? request.headers.get(IDEMPOTENCY_KEY) : undefined;
  if (key === undefined) return endpoint.resource(call);
  return once(call, key, `${endpoint.path}\n${sha256(body)}`, endpoint.resource);
}

function failure(deps: ApiDeps, request: HttpRequest, error: unknown): HttpResponse {
  const { method, path, ip } = request;
  // Never the query: it holds a signature that is good for ten minutes.
  const fields = { ip, method, path: printable(path, 200) };
  if (error instanceof Refusal) {
    const { status, message } = error;
    if (status === 401 || status === 403) {
      deps.logger.info({ ...fields, status, reason: printable(message, 300) }, 'API request refused');
    }
    return refused(error);
  }
  if (error instanceof BrokerUnavailable) {
    deps.logger.warn({ ...fields, status: 503, err: error }, 'API request failed: shared state is out of reach');
    const sentence = 'The server cannot reach the state that its nodes share: try again shortly';
    return plain(503, sentence, retryAfter(UNAVAILABLE_RETRY_SECONDS));
  }
  deps.logger.error({ ...fields, status: 500, err: error }, 'API request failed');
  return plain(500, 'The server failed on this request: its log says why');
}
