import type { Logger } from '../core/contracts/logger.ts';
import type { Metrics } from '../core/contracts/metrics.ts';
import type { CheckToken } from '../core/contracts/token-check.ts';
import { ERROR_CODES } from '../protocol/error-codes.ts';
import { type Attempt, type Authority, signedUser } from './authorize.ts';
import type { FailureBlocks } from './failure-blocks.ts';
import { codeOf } from './plugin.ts';
import { AuthRefusal } from './refusals.ts';

const REFUSED = { ...ERROR_CODES.unauthorized, message: 'The token of the query was refused' };
const LATER = { ...ERROR_CODES.overCapacity, message: 'The token of the query cannot be checked now' };

/** Checks tokens in the query of connections, as the authorization endpoint checks those of sign-ins. */
export function createTokenCheck(
  authority: Authority,
  failures: FailureBlocks,
  metrics: Metrics,
  logger: Logger,
): CheckToken {
  return async ({ app, socketId, token, ip }) => {
    const attempt: Attempt = { ip, appId: app.id, socketId };
    try {
      failures.check(ip);
      const signed = await signedUser(authority, attempt, { app, socketId, token });
      metrics.authorizations.add('granted');
      return { signed };
    } catch (error) {
      const refusal =
        error instanceof AuthRefusal ? error : new AuthRefusal(codeOf(error), undefined, { cause: error });
      metrics.authorizations.add(refusal.code);
      failures.count(ip, refusal.code, authority.settings);
      logger[refusal.kind.level]({ code: refusal.code, ...attempt, reason: refusal.message }, 'Authorization refused');
      return refusal.kind.status === 403 ? REFUSED : LATER;
    }
  };
}
