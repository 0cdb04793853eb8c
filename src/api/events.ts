import type { HttpResponse } from '../core/contracts/http.ts';
import { topicOf } from '../core/contracts/topic.ts';
import type { JsonObject } from '../protocol/frames.ts';
import { type ApiCall, takeQuota } from './api-call.ts';
import { bodyObject, eventOf } from './event-body.ts';
import { COUNT_ATTRIBUTES, channelInfo, infoAttributes } from './info-attributes.ts';
import { DONE, json, Refusal } from './responses.ts';

const EXAMPLE = '{"name":"message.sent","channels":["private-chat"],"data":"{}"}';

/** POST /apps/{id}/events: `{}`, or with info `{"channels":{name:{…}}}`. (HTTP API: events) */
export async function postEvents(call: ApiCall): Promise<HttpResponse> {
  const { app, deps } = call;
  const fields = bodyObject(call.body, EXAMPLE);
  const event = eventOf(deps.publisher, app, fields, channelsOf(fields));
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

/** PHP names a single channel as `channel`, Node always as `channels`. */
function channelsOf({ channels, channel }: JsonObject): readonly string[] {
  const many = channels ?? undefined;
  const one = channel ?? undefined;
  if (many !== undefined && one !== undefined) {
    throw new Refusal(400, 'An event has either channels, a list of names, or channel, a single one: not both');
  }
  if (typeof one === 'string') return [one];
  if (Array.isArray(many) && many.every((name) => typeof name === 'string')) return many;
  throw new Refusal(400, 'An event needs channels, a list of names, or channel, a single one');
}
