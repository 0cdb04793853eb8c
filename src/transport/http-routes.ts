import type { HttpResponse as NativeResponse, TemplatedApp } from 'uWebSockets.js';
import type { Current } from '../core/contracts/current.ts';
import type { HttpEndpoint, HttpRequest, HttpResponse } from '../core/contracts/http.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { BodyBudget } from './body-budget.ts';
import type { ClientIp } from './client-ip.ts';
import { CopiedRequest } from './copied-request.ts';
import type { HeaderLimit } from './header-limit.ts';
import { type BodyLimits, HttpBody } from './http-body.ts';
import { type PendingRequest, PendingRequests } from './pending-requests.ts';

/** Which part answers which paths. */
export interface HttpRoute {
  readonly matches: (path: string) => boolean;
  /** The headers that the endpoint looks at: copying costs, so the hot ones name theirs. */
  readonly headers: readonly string[] | 'all';
  /** Its requests are many and their headers few: uWebSockets.js alone bounds them. */
  readonly isHot?: true;
  readonly maxBodyBytes: number;
  /** Looks at a request whose body does not come whole: the answer if it is refused, whatever its body. */
  readonly refusal?: (request: HttpRequest) => HttpResponse | undefined;
  readonly endpoint: HttpEndpoint;
}

/** A part that answers bit by bit: it keeps the native response. */
export interface StreamedRoute {
  readonly matches: (path: string) => boolean;
  readonly headers: readonly string[];
  /**
   * Takes the native response, whose `onAborted` it must set at once, or returns the whole answer and leaves it
   * alone.
   */
  readonly take: (res: NativeResponse, request: CopiedRequest) => HttpResponse | undefined;
}

export interface HttpRoutesDependencies {
  readonly app: TemplatedApp;
  /** In order: the first that matches answers. */
  readonly routes: ReadonlyArray<HttpRoute | StreamedRoute>;
  readonly pathPrefix: string;
  readonly clientIp: Current<ClientIp>;
  readonly headerLimit: HeaderLimit;
  readonly bodyBudget: BodyBudget;
  readonly bodyTimeoutSeconds: Current<number>;
  /**
   * Whether each answer is to be its connection's last: one that a proxy keeps open would be cut under its next
   * request.
   */
  readonly isStopping: () => boolean;
  readonly logger: Logger;
}

/** Registers plain request-to-response functions with uWebSockets.js; returns what has not been answered yet. */
export function serveHttp(dependencies: HttpRoutesDependencies): PendingRequests {
  const { app, routes, pathPrefix, clientIp, headerLimit, isStopping } = dependencies;
  const pending = new PendingRequests();
  app.any('/*', (res, req) => {
    const request = new CopiedRequest(req, res, pathPrefix, clientIp());
    const route = routes.find((candidate) => candidate.matches(request.path));
    if (route === undefined) {
      const answer = { status: 404, body: `Nothing is served at ${request.path}` };
      pending.add(res, request).answer(answer, isStopping());
      return;
    }
    const isHot = 'endpoint' in route && route.isHot === true;
    const refusal = isHot ? undefined : headerLimit.refusal(req, () => request.ip);
    if (refusal !== undefined) {
      pending.add(res, request).answer(refusal, true);
      return;
    }
    request.copyHeaders(req, route.headers);
    if ('endpoint' in route) {
      serve(res, request, route, pending, dependencies);
      return;
    }
    const answer = route.take(res, request);
    if (answer !== undefined) pending.add(res, request).answer(answer, isStopping());
  });
  return pending;
}

function serve(
  res: NativeResponse,
  request: CopiedRequest,
  route: HttpRoute,
  pending: PendingRequests,
  dependencies: HttpRoutesDependencies,
): void {
  const { bodyBudget, bodyTimeoutSeconds, logger } = dependencies;
  const open = pending.add(res, request);
  const limits: BodyLimits = {
    maxBytes: route.maxBodyBytes,
    budget: bodyBudget,
    timeoutSeconds: bodyTimeoutSeconds(),
    refusal: () => route.refusal?.(request),
  };
  open.body = HttpBody.read(res, limits, (received) => {
    if (Buffer.isBuffer(received)) {
      void respond(open, request.withBody(received), route, dependencies);
      open.complete();
    } else if (received === 'cut') {
      logger.warn(
        { ip: request.ip, path: request.path },
        'a body came in too many small chunks: its connection is cut',
      );
      open.cut();
    } else {
      open.answer(received, true);
    }
  });
}

async function respond(
  open: PendingRequest,
  request: HttpRequest,
  route: HttpRoute,
  { isStopping, logger }: HttpRoutesDependencies,
): Promise<void> {
  const response = await respondTo(route, request, logger);
  open.answer(response, isStopping());
}

async function respondTo(route: HttpRoute, request: HttpRequest, logger: Logger): Promise<HttpResponse> {
  try {
    return await route.endpoint(request);
  } catch (error) {
    logger.error({ err: error, method: request.method, path: request.path }, 'a request failed');
    return { status: 500, body: 'Internal error: see the log of the server' };
  }
}
