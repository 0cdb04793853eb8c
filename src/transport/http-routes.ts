import type { HttpRequest as NativeRequest, HttpResponse as NativeResponse, TemplatedApp } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import type { HttpEndpoint, HttpRequest, HttpResponse } from '../core/contracts/http.ts';
import type { Logger } from '../core/contracts/logger.ts';
import type { ClientIp } from './client-ip.ts';

/** Who answers which paths. */
export interface HttpRoute {
  readonly matches: (path: string) => boolean;
  /** The headers that the endpoint looks at: copying costs, so the hot ones name theirs. */
  readonly headers: readonly string[] | 'all';
  readonly maxBodyBytes: number;
  readonly endpoint: HttpEndpoint;
}

export interface HttpRoutesDependencies {
  readonly app: TemplatedApp;
  /** In order: the first that matches answers. */
  readonly routes: readonly HttpRoute[];
  readonly pathPrefix: string;
  readonly clientIp: ClientIp;
  /**
   * Whether each answer is to be its connection's last: one that a proxy keeps open would be cut under its next
   * request.
   */
  readonly isStopping: () => boolean;
  readonly logger: Logger;
}

/** Registers plain request-to-response functions with uWebSockets.js. */
export function serveHttp(dependencies: HttpRoutesDependencies): void {
  const { app, routes, isStopping } = dependencies;
  app.any('/*', (res, req) => {
    const request = new CopiedRequest(req, res, dependencies);
    const route = routes.find((candidate) => candidate.matches(request.path));
    if (route === undefined) {
      respond(res, request, { status: 404, body: `Nothing is served at ${request.path}` }, isStopping());
      return;
    }
    request.copyHeaders(req, route.headers);
    res.onAborted(() => request.abort());
    readBody(res, route.maxBodyBytes, (body) => {
      if (request.aborted) return;
      if (body !== undefined) void answer(res, request.withBody(body), route, dependencies);
      else respond(res, request, { status: 413, body: `The body is larger than ${route.maxBodyBytes} bytes` }, true);
    });
  });
}

async function answer(
  res: NativeResponse,
  request: CopiedRequest,
  route: HttpRoute,
  { isStopping, logger }: HttpRoutesDependencies,
): Promise<void> {
  const response = await respondTo(route, request, logger);
  if (!request.aborted) res.cork(() => respond(res, request, response, isStopping()));
}

async function respondTo(route: HttpRoute, request: HttpRequest, logger: Logger): Promise<HttpResponse> {
  try {
    return await route.endpoint(request);
  } catch (error) {
    logger.error({ err: error, method: request.method, path: request.path }, 'a request failed');
    return { status: 500, body: 'Internal error: see the log of the server' };
  }
}

/** Gives the whole body, copied, or undefined where it is larger than allowed; nothing for an aborted request. */
function readBody(res: NativeResponse, maxBytes: number, done: (body: Buffer | undefined) => void): void {
  let chunks: Buffer[] | undefined;
  let size = 0;
  res.onData((chunk, isLast) => {
    if (size > maxBytes) return;
    size += chunk.byteLength;
    if (size > maxBytes) {
      chunks = undefined;
      done(undefined);
      return;
    }
    // The native memory is gone after this call.
    const copy = Buffer.from(Buffer.from(chunk));
    if (isLast && chunks === undefined) {
      done(copy);
      return;
    }
    chunks ??= [];
    chunks.push(copy);
    if (isLast) done(Buffer.concat(chunks));
  });
}

function respond(res: NativeResponse, request: HttpRequest, response: HttpResponse, closeConnection: boolean): void {
  // 200 is what it writes by itself.
  if (response.status !== 200) res.writeStatus(`${response.status} ${STATUS_CODES[response.status] ?? ''}`);
  let typed = response.body === '';
  for (const [name, value] of response.headers ?? []) {
    // The length is uWebSockets.js's to write; a second one would break the response.
    if (name === 'content-length' || name === 'transfer-encoding') continue;
    if (name.toLowerCase() === 'content-type') typed = true;
    res.writeHeader(name, value);
  }
  if (!typed) {
    const isJson = response.body.startsWith('{');
    res.writeHeader('Content-Type', isJson ? 'application/json' : 'text/plain; charset=utf-8');
  }
  // A body in answer to a HEAD would be read as the beginning of the connection's next response.
  if (request.method !== 'HEAD') {
    res.end(response.body, closeConnection);
    return;
  }
  // Told the length by its argument, endWithoutBody would wait for a body of that length.
  res.writeHeader('Content-Length', String(Buffer.byteLength(response.body)));
  res.endWithoutBody();
}

const NO_BODY = Buffer.alloc(0);

/** What is copied of a native request before the first await, after which it is gone. */
class CopiedRequest implements HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly fullPath: string;
  readonly query: string;
  readonly #headers = new Map<string, string>();
  readonly #res: NativeResponse;
  readonly #forwardedFor: string;
  readonly #clientIp: ClientIp;
  #body: Buffer = NO_BODY;
  #ip: string | undefined;
  #aborted = false;

  constructor(req: NativeRequest, res: NativeResponse, { pathPrefix, clientIp }: HttpRoutesDependencies) {
    this.method = req.getCaseSensitiveMethod().toUpperCase();
    this.fullPath = req.getUrl();
    this.path =
      pathPrefix !== '' && this.fullPath.startsWith(`${pathPrefix}/`)
        ? this.fullPath.slice(pathPrefix.length)
        : this.fullPath;
    // Its declaration does not say so, but it is undefined where the URL has no question mark.
    this.query = req.getQuery() ?? '';
    this.#res = res;
    this.#forwardedFor = clientIp.forwardedFor(req);
    this.#clientIp = clientIp;
  }

  get headers(): ReadonlyMap<string, string> {
    return this.#headers;
  }

  get body(): Buffer {
    return this.#body;
  }

  /**
   * Asked for when it is needed, which for most requests is never: it takes a system call. Empty for an aborted
   * request.
   */
  get ip(): string {
    if (this.#ip === undefined && !this.#aborted) {
      const remote = Buffer.from(this.#res.getRemoteAddressAsText()).toString('latin1');
      this.#ip = this.#clientIp.resolve(remote, this.#forwardedFor);
    }
    return this.#ip ?? '';
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  /** The client has gone: the native response must not be touched any more. */
  abort(): void {
    this.#aborted = true;
  }

  copyHeaders(req: NativeRequest, names: readonly string[] | 'all'): void {
    if (names === 'all') {
      req.forEach((name, value) => {
        this.#headers.set(name, value);
      });
      return;
    }
    for (const name of names) {
      const value = req.getHeader(name);
      if (value !== '') this.#headers.set(name, value);
    }
  }

  withBody(body: Buffer): this {
    this.#body = body;
    return this;
  }
}
