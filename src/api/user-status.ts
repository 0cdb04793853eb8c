import type { HttpResponse } from '../core/contracts/http.ts';
import { type ApiCall, takeQuota } from './api-call.ts';
import { bodyObject } from './event-body.ts';
import { json, Refusal } from './responses.ts';

const EXAMPLE = '{"user_ids":["42","7"]}';

/**
 * POST /apps/{id}/users/status `{"user_ids":[…]}`: who of a list is online, since when, and when the others were last
 * seen: `{"users":{"42":{"online":true,"since":"…"},"7":{"online":false,"last_seen":"…"}}}`. Fanfare's own.
 */
export async function postUserStatus(call: ApiCall): Promise<HttpResponse> {
  const { user_ids: given } = bodyObject(call.body, EXAMPLE);
  if (!Array.isArray(given) || !given.every((id) => typeof id === 'string') || given.length === 0) {
    throw new Refusal(400, `A question for users needs user_ids, a list of texts: ${EXAMPLE}`);
  }
  const { maxUsersPerEvent } = call.app.limits;
  if (given.length > maxUsersPerEvent) {
    throw new Refusal(400, `${given.length} users are too many at once: at most ${maxUsersPerEvent}`);
  }
  await takeQuota(call, 'reads', 1);
  const userIds = [...new Set(given)];
  const [online, statuses] = await Promise.all([
    call.deps.roster.online(call.app.id, userIds),
    call.deps.statuses.read(call.app.id, userIds),
  ]);
  const present = new Set(online);
  const users = userIds.map((userId, index) => {
    const status = statuses[index];
    const at = status === undefined ? undefined : new Date(status.atMs).toISOString();
    // Within the grace a user who has gone is still known as online, and one who has come not yet.
    if (present.has(userId)) return [userId, { online: true, ...(status?.online === true ? { since: at } : {}) }];
    return [userId, { online: false, ...(status?.online === false ? { last_seen: at } : {}) }];
  });
  // Object.fromEntries, as a user may be called __proto__.
  return json({ users: Object.fromEntries(users) });
}
