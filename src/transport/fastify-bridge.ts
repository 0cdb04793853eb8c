import { IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpEndpoint, HttpRequest, HttpResponse } from '../core/contracts/http.ts';

/** The part of a Fastify instance that the bridge uses; it must be ready. */
export interface Routed {
  routing(request: IncomingMessage, response: ServerResponse): void;
}

const METHODS: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']);

/** Headers that are about one connection, and not about what is answered on it. */
const CONNECTION_HEADERS = new Set(['connection', 'keep-alive', 'date', 'content-length', 'transfer-encoding']);

/**
 * Serves a Fastify instance on the port of uWebSockets.js: its routes see the client's own address. They answer with
 * texts, not with streams.
 *
 * Fastify's own `inject` does as much, at three times the cost: strangers may ask, and half of the memory that it takes
 * for a request outlives it, so that each collection of garbage stops the event loop for several milliseconds.
 */
export function fastifyEndpoint(fastify: Routed): HttpEndpoint {
  return async (request: HttpRequest): Promise<HttpResponse> => {
    if (!METHODS.has(request.method)) return { status: 405, body: `The method ${request.method} is not supported` };
    return await new Promise((answered, failed) => {
      const raw = rawRequest(request);
      fastify.routing(raw, new RawResponse(raw, answered, failed));
    });
  };
}

function rawRequest({ method, path, query, headers, body, ip }: HttpRequest): IncomingMessage {
  // Nothing else is asked of the socket of a request that is there as a whole.
  const raw = new IncomingMessage({ remoteAddress: ip } as Socket);
  raw.method = method;
  raw.url = query === '' ? path : `${path}?${query}`;
  Object.assign(raw.headers, Object.fromEntries(headers));
  if (body.length > 0) raw.push(body);
  raw.push(null);
  raw.complete = true;
  return raw;
}

/** A response that is written to no socket, but handed on as a whole. */
class RawResponse extends ServerResponse {
  readonly #answered: (answer: HttpResponse) => void;
  readonly #failed: (error: Error) => void;
  #headers: OutgoingHttpHeaders = {};

  constructor(request: IncomingMessage, answered: (answer: HttpResponse) => void, failed: (error: Error) => void) {
    super(request);
    this.#answered = answered;
    this.#failed = failed;
  }

  override writeHead(status: number, headers?: string | OutgoingHttpHeaders | OutgoingHttpHeader[]): this {
    if (typeof headers === 'object' && !Array.isArray(headers)) this.#headers = headers;
    return super.writeHead(status, this.#headers);
  }

  override write(): never {
    throw new Error('An answer to the bridge is one text: it cannot be a stream');
  }

  override end(body?: unknown): this {
    const headers = headerPairs({ ...this.getHeaders(), ...this.#headers });
    this.#answered({ status: this.statusCode, body: body === null || body === undefined ? '' : String(body), headers });
    // With no socket to write to, this only marks it as ended.
    return super.end();
  }

  override destroy(error = new Error('The response was given up')): this {
    this.#failed(error);
    return super.destroy(error);
  }
}

function headerPairs(headers: OutgoingHttpHeaders): [string, string][] {
  const pairs: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || CONNECTION_HEADERS.has(name.toLowerCase())) continue;
    for (const one of Array.isArray(value) ? value : [value]) pairs.push([name, String(one)]);
  }
  return pairs;
}
