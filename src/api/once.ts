import { randomBytes } from 'node:crypto';
import type { HttpResponse } from '../core/contracts/http.ts';
import { MAX_REMEMBERED_SECONDS, type RepeatableRequest } from '../core/contracts/idempotency.ts';
import { sha256 } from '../protocol/signatures.ts';
import type { ApiCall, Resource } from './api-call.ts';
import { Refusal, retryAfter } from './responses.ts';

export const IDEMPOTENCY_KEY = 'idempotency-key';

const MAX_IDEMPOTENCY_KEY_CHARACTERS = 255;
const UNDER_WAY_RETRY_SECONDS = 1;

/**
 * Carries a request out unless one with the same `Idempotency-Key` was in the last two minutes, on any node: then its
 * answer is given again. Only what was done is remembered, not what was refused.
 *
 * @param asks what tells one request from another: its endpoint and body
 */
export async function once(call: ApiCall, key: string, asks: string, resource: Resource): Promise<HttpResponse> {
  const { app, deps } = call;
  const { requests, logger } = deps;
  const request: RepeatableRequest = {
    app,
    key: sha256(checked(key)),
    asks: sha256(asks),
    attempt: randomBytes(9).toString('base64url'),
  };
  const begun = await requests.begin(request);
  switch (begun.state) {
    case 'new':
      break;
    case 'done':
      return { status: 200, body: begun.body, headers: [['Idempotent-Replayed', 'true']] };
    case 'under_way':
      throw new Refusal(
        409,
        'A request with this Idempotency-Key is under way: send it again shortly, to get its answer',
        retryAfter(UNDER_WAY_RETRY_SECONDS),
      );
    case 'other_request':
      throw new Refusal(
        422,
        `This Idempotency-Key was used for another request in the last ${MAX_REMEMBERED_SECONDS} s: ` +
          'a key is for one request and its repetitions, with the same body byte for byte',
      );
    case 'full':
      deps.metrics.refused.add('idempotency-keys');
      throw new Refusal(
        429,
        `This app has as many idempotency keys as may be remembered at once, ${app.limits.maxIdempotencyKeys}: ` +
          'send without one, or try again later',
        retryAfter(MAX_REMEMBERED_SECONDS),
      );
  }
  let answer: HttpResponse;
  try {
    answer = await resource(call);
  } catch (error) {
    await requests.abandon(request).catch((problem) => {
      logger.warn({ appId: app.id, err: problem }, 'an idempotency key stays taken for some seconds');
    });
    throw error;
  }
  // The event is out: to fail now would make the backend send it again.
  await requests.finish(request, answer.body).catch((problem) => {
    logger.warn({ appId: app.id, err: problem }, 'a request will not be remembered by its idempotency key');
  });
  return answer;
}

function checked(key: string): string {
  if (/^[!-~]+$/.test(key) && key.length <= MAX_IDEMPOTENCY_KEY_CHARACTERS) return key;
  const wrong =
    key.length > MAX_IDEMPOTENCY_KEY_CHARACTERS ? `${key.length} characters long` : 'not of visible ASCII characters';
  throw new Refusal(
    400,
    `The Idempotency-Key is ${wrong}: it is 1 to ${MAX_IDEMPOTENCY_KEY_CHARACTERS} visible ASCII characters, such as a UUID`,
  );
}
