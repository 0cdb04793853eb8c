import type { HttpResponse } from '../core/contracts/http.ts';
import { topicOf } from '../core/contracts/topic.ts';
import { SERVER_TO_USER_PREFIX } from '../protocol/channel-name.ts';
import type { JsonObject } from '../protocol/frames.ts';
import { type ApiCall, takeQuota } from './api-call.ts';
import { bodyObject, eventOf, type Recipients } from './event-body.ts';
import { COUNT_ATTRIBUTES, channelInfo, infoAttributes } from './info-attributes.ts';
import { DONE, json, Refusal } from './responses.ts';

const EXAMPLE = '{"name":"message.sent","channels":["private-chat"],"data":"{}"}';

/** POST /apps/{id}/events: `{}`, or with info `{"channels":{name:{…}}}`. (HTTP API: events) */
export async function postEvents(call: ApiCall): Promise<HttpResponse> {
  const { app, deps } = call;
  const fields = bodyObject(call.body, EXAMPLE);
  const event = eventOf(deps.publisher, app, fields, recipientsOf(fields));
  const wanted = infoAttributes(fields.info, COUNT_ATTRIBUTES);
  await takeQuota(call, 'triggers', 1);
  if (wanted.size === 0) {
    await deps.publisher.publish(app, [event]);
    return DONE;
  }
  // Counted before: a failure after the event went out would make the backend send it again.
  const counts = await deps.roster.counts(event.channels.map((channel) => topicOf(app.id, channel)));
  await deps.publisher.publish(app, [event]);
  // Object.fromEntries, as a channel may be called __proto__.
  const channels = Object.fromEntries(
    event.channels.map((channel, index) => [channel, channelInfo(channel, wanted, counts[index])]),
  );
  return json({ channels });
}

/**
 * PHP names a single channel as `channel`, Node always as `channels`. `user_ids` is Fanfare's own: an event for each of
 * these users is one on `#server-to-user-{id}`.
 */
function recipientsOf({ channels, channel, user_ids: userIds }: JsonObject): Recipients {
  const given = [channels, channel, userIds].filter((value) => value !== undefined && value !== null);
  if (given.length > 1) {
    throw new Refusal(
      400,
      'An event has either channels, a list of names, or channel, a single one, or user_ids: not two of them',
    );
  }
  const [names] = given;
  if (typeof channel === 'string') return { channels: [channel] };
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw new Refusal(
      400,
      'An event needs channels, a list of names, or channel, a single one, or user_ids, a list of texts',
    );
  }
  if (names !== userIds) return { channels: names };
  return { channels: [...new Set(names)].map((id) => SERVER_TO_USER_PREFIX + id), isForUsers: true };
}
