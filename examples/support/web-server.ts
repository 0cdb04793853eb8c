import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One request to an example's backend. */
export interface ExampleRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** The JSON body; an empty object if there is none. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** Throw one to answer with its status. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** `'POST /chats/:chatId/messages'` to what answers; the result is sent as JSON. */
export type Routes = Readonly<Record<string, (request: ExampleRequest) => unknown>>;

/** An example's backend: its routes, and the folder with its page. */
export interface Example {
  readonly routes: Routes;
  readonly page: URL;
}

export interface RunningBackend {
  readonly origin: string;
  close(): Promise<void>;
}

const require = createRequire(import.meta.url);
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** What every page may load: the stock clients, straight from their packages, and what the examples share. */
const FILES: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  '/pusher.js': {
    file: join(dirname(require.resolve('pusher-js/package.json')), 'dist/web/pusher.js'),
    type: 'text/javascript',
  },
  '/echo.js': { file: join(dirname(require.resolve('laravel-echo')), 'echo.iife.js'), type: 'text/javascript' },
  '/shell.js': { file: here('shell.js'), type: 'text/javascript' },
  '/style.css': { file: here('style.css'), type: 'text/css' },
  '/both': { file: here('both.html'), type: 'text/html; charset=utf-8' },
};

/** Rejects with the system's error where the port cannot be listened on, such as EADDRINUSE. */
export async function serveExample(example: Example, port: number, host = '127.0.0.1'): Promise<RunningBackend> {
  const server = createServer((request, response) => {
    answer(example, request, response).catch((error: unknown) => {
      const status = error instanceof HttpError ? error.status : 500;
      if (status === 500) console.error(error);
      sendJson(response, status, { error: error instanceof HttpError ? error.message : 'internal error' });
    });
  });
  server.listen(port, host);
  await once(server, 'listening');
  return { origin: `http://${host}:${(server.address() as AddressInfo).port}`, close: () => close(server) };
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

async function answer(example: Example, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://example');
  const shared = FILES[url.pathname];
  if (shared !== undefined) return send(response, 200, shared.type, readFileSync(shared.file));
  if (url.pathname === '/') return send(response, 200, 'text/html; charset=utf-8', readFileSync(example.page));
  for (const [route, respond] of Object.entries(example.routes)) {
    const params = match(route, `${request.method} ${url.pathname}`);
    if (params === undefined) continue;
    const body = await readJson(request);
    sendJson(response, 200, await respond({ params, query: url.searchParams, headers: request.headers, body }));
    return;
  }
  throw new HttpError(404, `nothing at ${request.method} ${url.pathname}`);
}

function match(route: string, asked: string): Record<string, string> | undefined {
  const pattern = new RegExp(`^${route.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`);
  const found = pattern.exec(asked);
  if (found === null) return undefined;
  return Object.fromEntries(Object.entries(found.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)]));
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return {};
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new HttpError(400, 'the body is not JSON');
  }
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, 'application/json', JSON.stringify(value ?? {}));
}

function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(body);
}
