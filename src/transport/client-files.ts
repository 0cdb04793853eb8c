import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { HttpEndpoint, HttpResponse } from '../core/contracts/http.ts';

/** Where pages find the helper for pusher-js: as a script that sets `Fanfare`, and as a module. (docs/resume.md) */
export const CLIENT_FILES: Readonly<Record<string, string>> = Object.freeze({
  '/fanfare/client.js': 'browser.js',
  '/fanfare/client.mjs': 'browser.mjs',
});

/** The built helper: beside dist/server.js, and the same folder seen from src/. */
const FOLDER = new URL('../../dist/client/', import.meta.url);

/**
 * How long a browser takes its copy for good without asking: so long may a page run an older helper after an update.
 */
const MAX_AGE_SECONDS = 3600;

/**
 * Serves `fanfare/client` to browsers, whichever site their page is from.
 *
 * @throws if the project has not been built
 */
export function clientFilesEndpoint(): HttpEndpoint {
  const served = new Map(Object.entries(CLIENT_FILES).map(([path, name]) => [path, fileResponse(name)]));
  return async ({ method, path, headers }) => {
    const file = served.get(path);
    if (file === undefined) return { status: 404, body: `Nothing is served at ${path}` };
    if (method !== 'GET' && method !== 'HEAD') {
      return { status: 405, body: `Ask for ${path} by GET`, headers: [['Allow', 'GET, HEAD']] };
    }
    const etags = headers.get('if-none-match')?.split(',') ?? [];
    const known = etags.some((etag) => etag.trim().replace(/^W\//, '') === file.etag);
    return known ? { ...file.response, status: 304, body: '' } : file.response;
  };
}

function fileResponse(name: string): { readonly response: HttpResponse; readonly etag: string } {
  const body = readBuilt(name);
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const headers = [
    ['Content-Type', 'text/javascript; charset=utf-8'],
    ['Cache-Control', `public, max-age=${MAX_AGE_SECONDS}`],
    ['ETag', etag],
    // A module is loaded by CORS, and a page that isolates itself takes nothing that does not say so.
    ['Access-Control-Allow-Origin', '*'],
    ['Cross-Origin-Resource-Policy', 'cross-origin'],
    ['X-Content-Type-Options', 'nosniff'],
  ] as const;
  return { response: { status: 200, body, headers }, etag };
}

function readBuilt(name: string): string {
  try {
    return readFileSync(new URL(name, FOLDER), 'utf8');
  } catch (error) {
    throw new Error('The helper for browsers has not been built: run npm run build', { cause: error });
  }
}
