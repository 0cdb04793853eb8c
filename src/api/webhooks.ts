import type { GivenUpNote } from '../core/contracts/given-up.ts';
import type { HttpResponse } from '../core/contracts/http.ts';
import { printable } from '../protocol/channel-name.ts';
import { type ApiCall, takeQuota } from './api-call.ts';
import { bodyObject } from './event-body.ts';
import { json, Refusal } from './responses.ts';

const EXAMPLE = '{"id":"1f0c2b3a4d5e"}';

/**
 * GET /apps/{id}/webhooks/given_up: what no endpoint took, the oldest first:
 * `{"webhooks":[{"id","given_up_at","url","reason","events":[{"name","channel","user_id","id"}]}]}`. Fanfare's own.
 * (docs/webhooks.md)
 */
export async function getGivenUp(call: ApiCall): Promise<HttpResponse> {
  await takeQuota(call, 'reads', 1);
  return json({ webhooks: (await call.deps.givenUp.list(call.app)).map(told) });
}

/**
 * POST /apps/{id}/webhooks/resend `{"id"}`: tries once more, at once. `{"resent":true}`, or
 * `{"resent":false,"reason":"…"}` if the endpoint did not take it, which is kept on then. 404 if no such webhook is
 * kept. Fanfare's own. (docs/webhooks.md)
 */
export async function postResend(call: ApiCall): Promise<HttpResponse> {
  const { id } = bodyObject(call.body, EXAMPLE);
  if (typeof id !== 'string' || id === '') {
    throw new Refusal(400, `Sending a webhook again needs its id, such as ${EXAMPLE}`);
  }
  const resent = await call.deps.givenUp.resend(call.app, id);
  if (resent.outcome === 'unknown') {
    throw new Refusal(404, `No webhook '${printable(id)}' is kept: it was sent again, was too old, or never was`);
  }
  return json(resent.outcome === 'failed' ? { resent: false, reason: resent.reason } : { resent: true });
}

function told({ id, atMs, url, reason, events }: GivenUpNote): object {
  return {
    ...{ id, given_up_at: new Date(atMs).toISOString(), url, reason },
    events: events.map(({ id: event, kind, channel, userId }) => ({
      ...{ name: kind, channel, user_id: userId, id: event },
    })),
  };
}
