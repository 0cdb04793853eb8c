import type { HttpEndpoint, HttpRequest, HttpResponse } from '../core/contracts/http.ts';

/** The part of a Fastify instance that the bridge uses. */
export interface Injectable {
  inject(request: {
    method: InjectMethod;
    url: string;
    headers: Record<string, string>;
    payload?: Buffer;
    remoteAddress: string;
  }): Promise<{
    readonly statusCode: number;
    readonly headers: Record<string, unknown>;
    readonly payload: string;
  }>;
}

const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'] as const;
type InjectMethod = (typeof METHODS)[number];

/** Headers that are about one connection, and not about what is answered on it. */
const CONNECTION_HEADERS = new Set(['connection', 'keep-alive', 'date', 'content-length', 'transfer-encoding']);

/** Serves a Fastify instance on the port of uWebSockets.js: its routes see the client's own address. */
export function fastifyEndpoint(fastify: Injectable): HttpEndpoint {
  return async (request: HttpRequest): Promise<HttpResponse> => {
    const method = METHODS.find((known) => known === request.method);
    if (method === undefined) return { status: 405, body: `The method ${request.method} is not supported` };
    const answer = await fastify.inject({
      method,
      url: request.query === '' ? request.path : `${request.path}?${request.query}`,
      headers: Object.fromEntries(request.headers),
      ...(request.body.length > 0 ? { payload: request.body } : {}),
      remoteAddress: request.ip,
    });
    return { status: answer.statusCode, body: answer.payload, headers: headerPairs(answer.headers) };
  };
}

function headerPairs(headers: Record<string, unknown>): [string, string][] {
  const pairs: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || CONNECTION_HEADERS.has(name.toLowerCase())) continue;
    for (const one of Array.isArray(value) ? value : [value]) pairs.push([name, String(one)]);
  }
  return pairs;
}
