import type { Attempt } from './authorize.ts';
import type { AuthRefusal, RefusalCode } from './refusals.ts';

/** What to do about a refusal, for those whose code and reason do not say it by themselves. */
const HINTS: Readonly<Partial<Record<RefusalCode, string>>> = Object.freeze({
  app_not_found: 'compare app_key with the key of the app in the configuration',
  origin_not_allowed: "add the page's origin to the app's allowedOrigins",
  channel_not_guarded: 'only private- and presence- channels are authorized; a public one is joined without',
  token_missing: 'send Authorization: Bearer and the token; npx fanfare token --user 42 prints one',
  token_algorithm_not_allowed: 'see auth.jwt.algorithms, and which key tokens are verified with',
  token_unknown_key: 'is the key set that auth.jwt.jwksUrl names the one that the token was signed by?',
  token_bad_signature: 'whoever signed the token has another secret or key: compare with JWT_SECRET or auth.jwt',
  token_expired: 'get a new token; in the page, headersProvider asks for one each time and headers does not',
  token_wrong_issuer: 'compare with auth.jwt.issuer (JWT_ISSUER)',
  token_wrong_audience: 'compare with auth.jwt.audience (JWT_AUDIENCE)',
  token_user_missing: 'auth.jwt.userIdClaim says which claim holds the id',
  no_rule: "add a pattern to the rules; patterns leave private- and presence- out: 'chat.{chatId}' for presence-chat.5",
  rule_denied: "compare the token's claims with what the rule asks for; ids from the channel's name are text",
  encryption_key_missing: 'set encryptionMasterKey of the app, or authorize this channel in your backend',
});

/** Why a request was refused, for whoever asked. Names claims and patterns, never a token or a secret. */
export function explained({ code, message }: AuthRefusal, { rule }: Attempt): Readonly<Record<string, string>> {
  const hint = HINTS[code];
  return { code, reason: message, ...(rule === undefined ? {} : { rule }), ...(hint === undefined ? {} : { hint }) };
}
