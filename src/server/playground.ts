import { readFileSync } from 'node:fs';
import { isForeignPage, thisMachineOnly } from '../admin/access.ts';
import { signDevelopmentToken } from '../auth/index.ts';
import type { Config } from '../config/schema.ts';
import type { AppRegistry } from '../core/contracts/app.ts';
import type { HttpEndpoint, HttpRequest, HttpResponse } from '../core/contracts/http.ts';
import type { Publisher } from '../core/delivery/publisher.ts';
import { isJsonObject, type JsonObject, parseJson } from '../protocol/frames.ts';
import type { HttpRoute } from '../transport/http-routes.ts';

export interface PlaygroundDependencies {
  readonly config: Config;
  readonly apps: AppRegistry;
  readonly publisher: Publisher;
  /** What is answered at `/` to whoever wants no page. */
  readonly alive: HttpEndpoint;
}

const MAX_PLAYGROUND_BODY_BYTES = 128 * 1024;
const TOKEN_SECONDS = 3600;
const HEADERS = ['accept', 'host', 'origin', 'sec-fetch-site', 'forwarded', 'x-forwarded-for', 'x-real-ip'];
const FILES: Readonly<Record<string, string>> = {
  'playground.js': 'text/javascript; charset=utf-8',
  'playground.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

/** For a person at a browser that is on another machine, or outside the container. */
const NOT_FROM_HERE = `OK

Fanfare's playground is here, but only for browsers on the machine that Fanfare runs on. To use another:
- an ssh tunnel brings it there: ssh -L 6001:localhost:6001 and the host's name, then http://localhost:6001/
- npx fanfare page > page.html, which writes a page for any browser. In a container that is the way.
`;

/** Where `npm run build` puts the page: the same folder from src/server and from dist/server. */
const FOLDER = new URL('../../dist/playground/', import.meta.url);

/**
 * A page to try things out with, at `/`. For development, and for this machine alone: it signs tokens for any user and
 * sends events as a backend would. Nobody else, no proxy and no page of another site may use it.
 */
export function playgroundRoutes({ config, apps, publisher, alive }: PlaygroundDependencies): HttpRoute[] {
  const [app] = config.apps;
  const { jwt, enabled } = config.auth;
  const page: HttpEndpoint = async (request) => {
    const wantsPage = request.headers.get('accept')?.includes('text/html') === true;
    if (!wantsPage) return await alive(request);
    if (problemOf(request) !== undefined) return { status: 200, body: NOT_FROM_HERE };
    const headers = [
      ['Content-Type', 'text/html; charset=utf-8'],
      ['Content-Security-Policy', contentSecurityPolicy(request.headers.get('host') ?? '')],
      ['Referrer-Policy', 'no-referrer'],
      ['Cache-Control', 'no-store'],
      ['X-Content-Type-Options', 'nosniff'],
    ] as const;
    return { status: 200, body: built('index.html'), headers };
  };

  const actions: Readonly<Record<string, (body: JsonObject) => Promise<HttpResponse>>> = {
    setup: async () => json({ key: app?.key, signs: enabled && jwt.secret !== undefined }),
    token: async ({ user, claims }) => {
      if (jwt.secret === undefined || !enabled) return problem('No secret is configured to sign tokens by');
      if (typeof user !== 'string' || user === '') return problem('Send {"user":"…","claims":{…}}');
      const token = await signDevelopmentToken({
        ...{ secret: jwt.secret, user, userIdClaim: jwt.userIdClaim, expiresInSeconds: TOKEN_SECONDS },
        ...{ issuer: jwt.issuer[0], audience: jwt.audience[0], claims: isJsonObject(claims) ? claims : {} },
      });
      return json({ token });
    },
    trigger: async ({ channel, event, data }) => {
      if (app === undefined || ![channel, event, data].every((text) => typeof text === 'string')) {
        return problem('Send {"channel":"…","event":"…","data":"…"}');
      }
      const current = apps.findByKey(app.key) ?? app;
      const sent = { name: String(event), data: String(data), channels: [String(channel)], socketId: undefined };
      const why = publisher.problem(current, sent);
      if (why !== undefined) return problem(why.message);
      await publisher.publish(current, [sent]);
      return json({});
    },
  };
  return [
    { matches: (path) => path === '/', headers: HEADERS, maxBodyBytes: 0, endpoint: page },
    {
      matches: (path) => path.startsWith('/playground/'),
      headers: HEADERS,
      maxBodyBytes: MAX_PLAYGROUND_BODY_BYTES,
      endpoint: async (request) => {
        const why = problemOf(request);
        if (why !== undefined) return { status: 403, body: why };
        const name = request.path.slice('/playground/'.length);
        const type = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
        if (type !== undefined) return { status: 200, body: built(name), headers: [['Content-Type', type]] };
        const act = Object.hasOwn(actions, name) ? actions[name] : undefined;
        if (act === undefined) return { status: 404, body: `Nothing is served at ${request.path}` };
        if (request.method !== 'POST') return { status: 405, body: 'POST', headers: [['Allow', 'POST']] };
        const body = parseJson(request.body.toString());
        return await act(isJsonObject(body) ? body : {});
      },
    },
  ];
}

/** Why this request may not use the playground. */
function problemOf({ ip, headers }: HttpRequest): string | undefined {
  const visitor = { remoteAddress: ip, headers: Object.fromEntries(headers) };
  const verdict = thisMachineOnly(visitor);
  if (!verdict.allowed) return verdict.message;
  return isForeignPage(visitor) ? 'A page of another site may not do this' : undefined;
}

function contentSecurityPolicy(host: string): string {
  const own = `'self' ws://${host} wss://${host}`;
  return (
    `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src ${own}; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  );
}

function built(name: string): string {
  try {
    return readFileSync(new URL(name, FOLDER), 'utf8');
  } catch (error) {
    throw new Error('The playground has not been built: run npm run build', { cause: error });
  }
}

function json(value: object): HttpResponse {
  return { status: 200, body: JSON.stringify(value), headers: [['Cache-Control', 'no-store']] };
}

function problem(error: string): HttpResponse {
  return { status: 400, body: JSON.stringify({ error }) };
}
