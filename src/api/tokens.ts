import type { HttpResponse } from '../core/contracts/http.ts';
import { MAX_TOKEN_ID_CHARACTERS } from '../core/contracts/revocations.ts';
import type { ApiCall } from './api-call.ts';
import { bodyObject } from './event-body.ts';
import { DONE, Refusal } from './responses.ts';

const EXAMPLE = '{"jti":"4f1c","exp":1767225600}';

/**
 * POST /apps/{id}/tokens/revoke `{"jti","exp"?}`: refuses one token from now on, and asks who was authorized with it to
 * authorize anew. Fanfare's own. (docs/authorization.md)
 */
export async function postRevokeToken(call: ApiCall): Promise<HttpResponse> {
  const { jti, exp } = bodyObject(call.body, EXAMPLE);
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_TOKEN_ID_CHARACTERS) {
    const rule = `the token's jti, a text of 1 to ${MAX_TOKEN_ID_CHARACTERS} characters`;
    throw new Refusal(400, `Revoking a token needs ${rule}, such as ${EXAMPLE}`);
  }
  if (exp !== undefined && exp !== null && !(typeof exp === 'number' && Number.isFinite(exp) && exp > 0)) {
    throw new Refusal(400, 'exp is the time at which the token ends, in seconds since 1970');
  }
  await call.deps.revokeToken(call.app, jti, exp ?? undefined);
  return DONE;
}

/**
 * POST /apps/{id}/users/{userId}/revoke_tokens: refuses all tokens that the user was issued until now, and asks the
 * user's connections to authorize anew. Fanfare's own. (docs/authorization.md)
 */
export async function postRevokeTokens(call: ApiCall): Promise<HttpResponse> {
  await call.deps.revokeUser(call.app, call.name);
  return DONE;
}
