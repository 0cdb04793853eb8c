import { createHash } from 'node:crypto';

/** Unguessable only when long: a UUID has 36 characters. */
const VALID_TOKEN = /^[A-Za-z0-9_-]{22,200}$/;

export const RESUME_TOKEN_RULE = 'A resume token must be 22 to 200 of A-Z, a-z, 0-9, _ and -, such as a UUID';

/** A path's session: undefined if it names none, `invalid` if its token is not acceptable. */
export function resumeSessionOf(path: string): { readonly session: string } | 'invalid' | undefined {
  const start = tokenStart(path);
  const app = appStart(path);
  if (start < 0 || app < start) return undefined;
  const token = path.slice(start, tokenEnd(path, start, app));
  if (!VALID_TOKEN.test(token)) return 'invalid';
  // What is kept and logged is a digest: a token would let its reader take the session over.
  return { session: createHash('sha256').update(token).digest('base64url') };
}

/** A path as it may be logged: of a resume token, the first characters of a long one. */
export function loggablePath(path: string): string {
  const start = tokenStart(path);
  if (start < 0) return path;
  const app = appStart(path);
  const end = app > start ? tokenEnd(path, start, app) : path.length;
  const token = path.slice(start, end);
  return `${path.slice(0, start)}${VALID_TOKEN.test(token) ? token.slice(0, 4) : ''}…${path.slice(end)}`;
}

// Positions are looked for, not patterns matched: strangers write paths, and a pattern would try every way to part one.

const RESUME = '/resume/';
/**
 * The end of the stock clients' own `httpPath`, by which proxies tell the HTTP transports; it may stand in ours too.
 */
const HTTP_PATH_END = '/pusher';

/**
 * Where the token begins in `…/resume/{token}/app/{key}`, the stock clients' `wsPath` or `httpPath` in front of what
 * they add to it; -1 if there is none.
 */
function tokenStart(path: string): number {
  const at = path.indexOf(RESUME);
  return at < 0 ? -1 : at + RESUME.length;
}

/** Where `app/{key}` begins at the path's end; -1 if the path does not end so. */
function appStart(path: string): number {
  const start = path.lastIndexOf('/') - 'app'.length;
  return path.startsWith('/app/', start - 1) ? start : -1;
}

function tokenEnd(path: string, start: number, app: number): number {
  const end = Math.max(start, app - 1);
  const withoutHttpPath = end - HTTP_PATH_END.length;
  return withoutHttpPath >= start && path.startsWith(HTTP_PATH_END, withoutHttpPath) ? withoutHttpPath : end;
}
