import type { HttpResponse } from '../core/contracts/http.ts';
import { topicOf } from '../core/contracts/topic.ts';
import { channelKind, channelNameProblem, printable } from '../protocol/channel-name.ts';
import { dataString, decodeFrame } from '../protocol/frames.ts';
import { type ApiCall, takeQuota } from './api-call.ts';
import { CHANNEL_ATTRIBUTES, COUNT_ATTRIBUTES, channelInfo, infoAttributes } from './info-attributes.ts';
import { parameter } from './query.ts';
import { json, Refusal } from './responses.ts';

/**
 * GET /apps/{id}/channels?filter_by_prefix&info: the occupied channels, `{"channels":{name:{…}}}`. (HTTP API: channels)
 */
export async function getChannels(call: ApiCall): Promise<HttpResponse> {
  const prefix = parameter(call.query, 'filter_by_prefix') ?? '';
  const wanted = infoAttributes(parameter(call.query, 'info'), COUNT_ATTRIBUTES);
  if (wanted.has('user_count') && !prefix.startsWith('presence-')) {
    throw new Refusal(
      400,
      'user_count is known for presence channels only: add a filter_by_prefix that begins with presence-',
    );
  }
  await takeQuota(call, 'reads', 1);
  const found = await call.deps.roster.channels(call.app.id, prefix);
  const channels: [string, object][] = [];
  for (const [channel, counts] of found) {
    // The server's own channels are told to whoever asks for them by name.
    if (channel.startsWith('#') && !prefix.startsWith('#')) continue;
    channels.push([channel, channelInfo(channel, wanted, counts)]);
  }
  // Object.fromEntries, as a channel may be called __proto__.
  return json({ channels: Object.fromEntries(channels) });
}

/** GET /apps/{id}/channels/{channel}?info: `{"occupied":false}` for one that nobody is in. (HTTP API: channel) */
export async function getChannel(call: ApiCall): Promise<HttpResponse> {
  const channel = channelOfPath(call);
  const wanted = infoAttributes(parameter(call.query, 'info'), CHANNEL_ATTRIBUTES);
  const kind = channelKind(channel);
  if (wanted.has('user_count') && kind.access !== 'presence') {
    throw new Refusal(400, `user_count is known for presence channels only, and '${printable(channel)}' is not one`);
  }
  await takeQuota(call, 'reads', 1);
  const topic = topicOf(call.app.id, channel);
  const [counts] = await call.deps.roster.counts([topic]);
  const info = { occupied: (counts?.subscriptionCount ?? 0) > 0, ...channelInfo(channel, wanted, counts) };
  if (!wanted.has('cache')) return json(info);
  return json({ ...info, cache: kind.cache ? await cacheOf(call, topic) : null });
}

/** GET /apps/{id}/channels/{channel}/users: `{"users":[{"id":"1"}]}`. (HTTP API: users) */
export async function getChannelUsers(call: ApiCall): Promise<HttpResponse> {
  const channel = channelOfPath(call);
  if (channelKind(channel).access !== 'presence') {
    throw new Refusal(400, `Users are known for presence channels only, and '${printable(channel)}' is not one`);
  }
  await takeQuota(call, 'reads', 1);
  const userIds = await call.deps.roster.userIds(topicOf(call.app.id, channel));
  return json({ users: userIds.map((id) => ({ id })) });
}

/** The channel that the path names; throws a Refusal of 400. */
export function channelOfPath(call: ApiCall): string {
  const problem = channelNameProblem(call.name, call.app.limits.maxChannelNameLength);
  if (problem !== undefined) throw new Refusal(400, problem);
  return call.name;
}

/** A cache channel's last event: its data as it was published, and the seconds that it will be kept. */
async function cacheOf(call: ApiCall, topic: string): Promise<{ data: string; ttl: number } | null> {
  const cached = await call.deps.broker.cached(topic);
  if (cached === undefined) return null;
  const frame = decodeFrame(cached.frame);
  if (typeof frame === 'string') throw new Error(`The frame that ${topic} keeps is unreadable: ${frame}`);
  return { data: dataString(frame.data) ?? '', ttl: cached.ttlSeconds };
}
