import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';

const TYPES: Readonly<Record<string, string>> = Object.freeze({
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
});

/** Nothing but what this very port serves: no other host, no inline script, no frame around it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const NOT_BUILT = `<!doctype html><meta charset="utf-8"><title>Fanfare</title>
<p>The console has not been built: <code>npm run build</code> does that.</p>`;

/** Where `npm run build` puts the pages: seen from src/admin, and from dist/admin. */
const FOLDERS = ['../../dist/console/', '../console/'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** Serves the console's page, whose few files are read once. */
export function registerStaticFiles(server: FastifyInstance): void {
  const folder = FOLDERS.find((path) => existsSync(join(path, 'index.html')));
  const files = new Map<string, Buffer>();
  for (const name of folder === undefined ? [] : readdirSync(folder)) {
    if (TYPES[extname(name)] !== undefined) files.set(name, readFileSync(join(folder ?? '', name)));
  }
  for (const path of ['/', '/:file']) {
    server.get<{ Params: { file?: string } }>(path, async ({ params }, reply) => {
      const name = params.file ?? 'index.html';
      const content = files.get(name) ?? (name === 'index.html' ? NOT_BUILT : undefined);
      if (content === undefined) return reply.callNotFound();
      reply.header('Content-Security-Policy', CONTENT_SECURITY_POLICY);
      reply.header('Referrer-Policy', 'no-referrer');
      return reply.type(TYPES[extname(name)] ?? 'text/html').send(content);
    });
  }
}
