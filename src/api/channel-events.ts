import type { LoggedMessage } from '../core/contracts/channel-log.ts';
import type { HttpResponse } from '../core/contracts/http.ts';
import type { Position } from '../core/contracts/position.ts';
import { topicOf } from '../core/contracts/topic.ts';
import { eventId, positionOf } from '../core/delivery/event-id.ts';
import { rewindRuleOf } from '../core/delivery/rewind.ts';
import { printable } from '../protocol/channel-name.ts';
import { dataString, isJsonObject, parseJson } from '../protocol/frames.ts';
import { type ApiCall, takeQuota } from './api-call.ts';
import { channelOfPath } from './channels.ts';
import { parameter } from './query.ts';
import { json, Refusal } from './responses.ts';

const DEFAULT_EVENTS = 100;
const MAX_PAST_EVENTS = 1000;

/** The frames of one answer together; the first event is in it whatever its size. */
const MAX_PAST_EVENT_BYTES = 1024 * 1024;

interface PastEvent {
  readonly id: string;
  readonly name: string;
  readonly data: string;
  /** Who sent a client event, on a presence channel. */
  readonly user_id?: string;
  /** The connection that was left out: whose page has it already. */
  readonly socket_id?: string;
}

/**
 * GET /apps/{id}/channels/{channel}/events?since&limit: what the channel's log has, oldest first,
 * `{"events":[{"id","name","data"}],"complete":true,"more":false,"last":"…"}`. Fanfare's own. (docs/protocol.md)
 */
export async function getChannelEvents(call: ApiCall): Promise<HttpResponse> {
  const channel = channelOfPath(call);
  const limit = limitOf(parameter(call.query, 'limit'));
  const since = sinceOf(parameter(call.query, 'since'));
  await takeQuota(call, 'reads', 1);
  // One more than asked for tells whether there are more.
  const page = await call.deps.history.page(
    topicOf(call.app.id, channel),
    since,
    since === undefined ? limit : limit + 1,
  );
  if (page === undefined) {
    const isKept = rewindRuleOf(call.app, channel) !== undefined;
    if (isKept) return json({ events: [], complete: since === undefined, more: false });
    throw new Refusal(
      404,
      `The channel '${printable(channel)}' is not logged: a log is kept while a resumable client is subscribed, ` +
        'or was in the last minutes, and by a rewind rule of the app',
    );
  }
  const { messages, end, reachesBack } = page;
  const taken = since === undefined ? lastWithin(messages) : firstWithin(messages.slice(0, limit));
  return json({
    events: taken.map(pastEvent),
    complete: reachesBack,
    more: since !== undefined && taken.length < messages.length,
    last: eventId(end),
  });
}

function limitOf(given: string | undefined): number {
  if (given === undefined) return DEFAULT_EVENTS;
  const limit = Number(given);
  if (/^\d+$/.test(given) && limit >= 1 && limit <= MAX_PAST_EVENTS) return limit;
  throw new Refusal(400, `limit '${printable(given, 40)}' is not a whole number from 1 to ${MAX_PAST_EVENTS}`);
}

function sinceOf(given: string | undefined): Position | undefined {
  if (given === undefined) return undefined;
  const position = positionOf(given);
  if (position !== undefined) return position;
  throw new Refusal(
    400,
    `since '${printable(given, 80)}' is no id of an event: it is the id of the last event that you have, as it stands ` +
      'in the event, or the last of an answer',
  );
}

function firstWithin(messages: readonly LoggedMessage[]): readonly LoggedMessage[] {
  let bytes = 0;
  const count = messages.findIndex(({ frame }, index) => {
    bytes += Buffer.byteLength(frame);
    return index > 0 && bytes > MAX_PAST_EVENT_BYTES;
  });
  return count < 0 ? messages : messages.slice(0, count);
}

function lastWithin(messages: readonly LoggedMessage[]): readonly LoggedMessage[] {
  return [...firstWithin([...messages].reverse())].reverse();
}

function pastEvent({ frame, position, exceptSocketId }: LoggedMessage): PastEvent {
  const decoded = parseJson(frame);
  if (!isJsonObject(decoded)) throw new Error('A frame of a log is unreadable');
  const { event, data, user_id: userId } = decoded;
  return {
    id: eventId(position),
    name: String(event),
    data: dataString(data) ?? '',
    ...(typeof userId === 'string' ? { user_id: userId } : {}),
    ...(exceptSocketId === undefined ? {} : { socket_id: exceptSocketId }),
  };
}
