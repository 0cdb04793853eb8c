import { createHash } from 'node:crypto';

/**
 * `…/resume/{token}/app/{key}`: the stock clients' `wsPath` in front of what they add to it. As an `httpPath` it may
 * end as their own default does, by which proxies tell the HTTP transports: `/resume/{token}/pusher`.
 */
const RESUME_PATH = /(?:^|\/)resume\/(?:(.*?)(?:\/pusher)?\/)?app\/[^/]*$/;

/** Unguessable only when long: a UUID has 36 characters. */
const VALID_TOKEN = /^[A-Za-z0-9_-]{22,200}$/;

export const RESUME_TOKEN_RULE = 'A resume token must be 22 to 200 of A-Z, a-z, 0-9, _ and -, such as a UUID';

/** A path's session: undefined where it names none, `invalid` where its token is not acceptable. */
export function resumeSessionOf(path: string): { readonly session: string } | 'invalid' | undefined {
  const named = RESUME_PATH.exec(path);
  if (named === null) return undefined;
  const token = named[1] ?? '';
  if (!VALID_TOKEN.test(token)) return 'invalid';
  // What is kept and logged is a digest: a token would let its reader take the session over.
  return { session: createHash('sha256').update(token).digest('base64url') };
}

/** A path as it may be logged: of a resume token, the first characters of a long one. */
export function loggablePath(path: string): string {
  return path.replace(/((?:^|\/)resume\/)(.*?)(?=(?:\/pusher)?\/app\/[^/]*$|$)/, (_, before: string, token: string) => {
    return `${before}${VALID_TOKEN.test(token) ? token.slice(0, 4) : ''}…`;
  });
}
