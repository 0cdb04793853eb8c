import type { HttpResponse } from '../core/contracts/http.ts';
import { channelNameProblem } from '../protocol/channel-name.ts';
import type { ApiCall } from './api-call.ts';
import { bodyObject } from './event-body.ts';
import { DONE, Refusal } from './responses.ts';

const UNSUBSCRIBE_EXAMPLE = '{"channels":["private-chat"]}';

/** POST /apps/{id}/users/{userId}/terminate_connections: done, too, if the user has none. (HTTP API: users) */
export async function postTerminateConnections(call: ApiCall): Promise<HttpResponse> {
  await call.deps.terminate(call.app, call.name);
  return DONE;
}

/**
 * POST /apps/{id}/users/{userId}/unsubscribe `{"channels":[…]}`: takes all of a user's connections out of channels;
 * done, too, if none is in one. Fanfare's own. (docs/protocol.md)
 */
export async function postUnsubscribe(call: ApiCall): Promise<HttpResponse> {
  const { channels } = bodyObject(call.body, UNSUBSCRIBE_EXAMPLE);
  const { maxChannelsPerEvent, maxChannelNameLength } = call.app.limits;
  if (!Array.isArray(channels) || !channels.every((name) => typeof name === 'string') || channels.length === 0) {
    throw new Refusal(400, `Unsubscribing needs channels, a list of names: ${UNSUBSCRIBE_EXAMPLE}`);
  }
  if (channels.length > maxChannelsPerEvent) {
    throw new Refusal(400, `${channels.length} channels are too many at once: at most ${maxChannelsPerEvent}`);
  }
  for (const channel of channels) {
    const problem = channelNameProblem(channel, maxChannelNameLength);
    if (problem !== undefined) throw new Refusal(400, problem);
  }
  await call.deps.unsubscribe(call.app, call.name, channels);
  return DONE;
}
