import { ERROR_CODES, type ErrorCode } from '../../protocol/error-codes.ts';
import { SUPPORTED_PROTOCOLS } from '../../protocol/limits.ts';
import type { App, AppRegistry } from '../contracts/app.ts';
import { isOriginAllowed } from './origins.ts';
import { RESUME_TOKEN_RULE, resumeSessionOf } from './resume-token.ts';

/** What a client says of itself when it connects. */
export interface Handshake {
  readonly path: string;
  /** The raw query string. */
  readonly query: string;
  /** Empty if the request has none: then it does not come from a browser. */
  readonly origin: string;
  readonly ip: string;
  /** It came over TLS, here or at a trusted proxy. */
  readonly secure: boolean;
}

export type HandshakeOutcome =
  | {
      readonly app: App;
      /** A digest of the token of a path that names a session to resume. */
      readonly session: string | undefined;
    }
  | { readonly app?: undefined; readonly refusal: ErrorCode };

/** Parameters of the query, and its length, in which there may be a token. */
const MAX_HANDSHAKE_PARAMETERS = 100;
const MAX_HANDSHAKE_QUERY_CHARACTERS = 24 * 1024;

const QUERY_TOO_LONG: ErrorCode = {
  ...ERROR_CODES.protocolMalformed,
  message:
    `The query may have at most ${MAX_HANDSHAKE_PARAMETERS} parameters ` +
    `and ${MAX_HANDSHAKE_QUERY_CHARACTERS} characters`,
};

/** The client may put any prefix in front: `wsPath` of the stock clients. */
const APP_PATH = /(?:^|\/)app\/([^/]+)$/;

export function isAppPath(path: string): boolean {
  return APP_PATH.test(path);
}

/** The app that a client may use, or the code and sentence to refuse it with. (Channels docs: connection) */
export function checkHandshake(handshake: Handshake, apps: AppRegistry): HandshakeOutcome {
  const key = APP_PATH.exec(handshake.path)?.[1];
  if (key === undefined) return { refusal: ERROR_CODES.pathNotFound };
  const resumable = resumeSessionOf(handshake.path);
  if (resumable === 'invalid') return { refusal: { ...ERROR_CODES.pathNotFound, message: RESUME_TOKEN_RULE } };
  if (isQueryTooLong(handshake.query)) return { refusal: QUERY_TOO_LONG };
  const protocol = protocolProblem(new URLSearchParams(handshake.query).get('protocol'));
  if (protocol !== undefined) return { refusal: protocol };
  const app = apps.findByKey(key);
  if (app === undefined) return { refusal: ERROR_CODES.appNotFound };
  if (!app.enabled) return { refusal: ERROR_CODES.appDisabled };
  if (app.tlsOnly && !handshake.secure) return { refusal: ERROR_CODES.tlsOnly };
  if (!isOriginAllowed(app.allowedOrigins, handshake.origin)) {
    const message = 'This origin may not use the application: add it to allowedOrigins';
    return { refusal: { ...ERROR_CODES.unauthorized, message } };
  }
  return { app, session: resumable?.session };
}

/** The token of the query, if the app takes one from there. */
export function tokenOf(app: App, { query }: Handshake): string | undefined {
  if (!app.tokenInQuery) return undefined;
  return new URLSearchParams(query).get('token') ?? undefined;
}

/** Looked at before it is parsed, which costs by the number of parameters. */
function isQueryTooLong(query: string): boolean {
  if (query.length > MAX_HANDSHAKE_QUERY_CHARACTERS) return true;
  let parameters = 1;
  for (let at = query.indexOf('&'); at >= 0; at = query.indexOf('&', at + 1)) {
    parameters += 1;
    if (parameters > MAX_HANDSHAKE_PARAMETERS) return true;
  }
  return false;
}

function protocolProblem(given: string | null): ErrorCode | undefined {
  if (given === null || given === '') return ERROR_CODES.protocolMissing;
  if (!/^\d+$/.test(given)) return ERROR_CODES.protocolMalformed;
  const version = Number(given);
  const supported = version >= SUPPORTED_PROTOCOLS.min && version <= SUPPORTED_PROTOCOLS.max;
  return supported ? undefined : ERROR_CODES.protocolUnsupported;
}
