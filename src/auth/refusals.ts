/**
 * Every reason for which a request for authorization is refused: the status the client gets, the sentence in its body,
 * and what the log says at which level. docs/authorization.md shows this table; a test keeps the two equal.
 */
export interface RefusalKind {
  readonly status: number;
  /** What the client is told: no more than it needs, or already knows. */
  readonly body: string;
  readonly level: 'debug' | 'warn' | 'error';
  readonly meaning: string;
}

const FORBIDDEN = 'Forbidden';

function denied(meaning: string, body = FORBIDDEN): RefusalKind {
  return Object.freeze({ status: 403, body, level: 'warn', meaning });
}

function broken(status: number, body: string, meaning: string): RefusalKind {
  return Object.freeze({ status, body, level: 'error', meaning });
}

function malformed(status: number, body: string, meaning: string, level: 'debug' | 'warn' = 'warn'): RefusalKind {
  return Object.freeze({ status, body, level, meaning });
}

export const REFUSALS = Object.freeze({
  body_malformed: malformed(400, 'The body must be a form or a JSON object', 'the body cannot be read'),
  socket_id_invalid: malformed(400, 'socket_id must look like 123.456', 'no socket id, or not the form of one'),
  channel_name_invalid: malformed(
    400,
    'channel_name is not a valid channel name',
    'the name has other characters, or is too long',
  ),
  app_unspecified: malformed(
    400,
    'Several apps are served here: send app_key',
    'several apps, no default and no `app_key`',
  ),
  path_not_found: malformed(404, 'Not found', 'a path that is not one of the four', 'debug'),
  method_not_allowed: malformed(405, 'Use POST', 'the path is right, the method is not', 'debug'),
  body_too_large: malformed(413, 'The body is too large', 'more than 16 KB'),
  media_type_unsupported: malformed(415, 'Send a form or JSON', 'another content type'),

  app_not_found: denied('no app has this `app_key`'),
  app_disabled: denied('the app is disabled'),
  origin_not_allowed: denied("the browser's origin is not among the app's `allowedOrigins`"),
  channel_name_missing: denied('an empty `channel_name`', 'channel_name is missing'),
  channel_not_guarded: denied('a public or reserved channel', 'This channel needs no authorization, or allows none'),
  cookie_origin_refused: denied("a cookie, but not from an origin that is known to be the team's"),

  token_missing: denied('neither `Authorization: Bearer` nor the cookie'),
  token_malformed: denied('not a JWT'),
  token_algorithm_not_allowed: denied('`alg` is `none`, or does not go with the key'),
  token_unknown_key: denied("no key of the JWKS has the token's `kid`"),
  token_bad_signature: denied('the signature is wrong'),
  token_expired: denied('the time `exp` has passed'),
  token_revoked: denied('the token was revoked, or all that its user had been issued until then'),
  token_not_yet_valid: denied('the time `nbf` has not come yet'),
  token_wrong_issuer: denied('`iss` is missing, or is another issuer'),
  token_wrong_audience: denied('`aud` is missing, or names another audience'),
  token_user_missing: denied("the claim of the user's id is missing, empty, too long, or neither text nor a number"),

  no_rule: denied("no rule's pattern matches the channel"),
  rule_denied: denied('the rule said no'),
  backend_denied: denied('the rule asked a backend, which answered 401, 403 or 404'),
  rule_failed: broken(403, FORBIDDEN, 'the rule threw'),
  rule_timeout: broken(403, FORBIDDEN, 'the rule took too long'),
  rule_result_invalid: broken(403, FORBIDDEN, 'the rule returned an answer that is not allowed'),
  member_too_large: broken(403, FORBIDDEN, "the member's info is over the app's limit"),
  encryption_key_missing: broken(403, FORBIDDEN, 'an encrypted channel, but the app has no `encryptionMasterKey`'),

  too_many_failures: Object.freeze({
    status: 429,
    body: 'Too many requests',
    level: 'warn',
    meaning: 'the address has sent many tokens without a valid signature; with `Retry-After`',
  } satisfies RefusalKind),

  internal_error: broken(500, 'Internal error', 'a fault of the server itself'),
  too_many_rules: broken(
    503,
    'Try again later',
    'too many rules are under way, on the node or for the user; with `Retry-After`',
  ),
  shared_state_unavailable: broken(
    503,
    'Try again later',
    'Redis cannot be asked whether the token was revoked; with `Retry-After`',
  ),
  jwks_unavailable: broken(503, 'Try again later', 'the JWKS cannot be fetched; with `Retry-After`'),
} as const);

export type RefusalCode = keyof typeof REFUSALS;

/**
 * A request that gets no signature. Callers branch on `code`; `message` is for the log alone and never holds a token.
 */
export class AuthRefusal extends Error {
  override readonly name = 'AuthRefusal';
  readonly code: RefusalCode;
  readonly kind: RefusalKind;

  /** Undefined: as long as is usual for its status. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: RefusalCode,
    reason: string = REFUSALS[code].meaning,
    options: { readonly cause?: unknown; readonly retryAfterSeconds?: number } = {},
  ) {
    // Where it was thrown says nothing that the code does not, and to note that takes a third of a refusal's time.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(reason, options.cause === undefined ? undefined : { cause: options.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.code = code;
    this.kind = REFUSALS[code];
  }
}
