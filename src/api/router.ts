import type { Resource } from './api-call.ts';
import { postBatchEvents } from './batch-events.ts';
import { getChannelEvents } from './channel-events.ts';
import { getChannel, getChannels, getChannelUsers } from './channels.ts';
import { postEvents } from './events.ts';
import { percentDecoded } from './query.ts';
import { postRevokeToken, postRevokeTokens } from './tokens.ts';
import { postUserStatus } from './user-status.ts';
import { postTerminateConnections, postUnsubscribe } from './users.ts';
import { getGivenUp, postResend } from './webhooks.ts';

export interface Endpoint {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly resource: Resource;
  /** A request that delivers events, and so may carry an `Idempotency-Key`. */
  readonly isTrigger?: boolean;
}

export interface Route {
  readonly endpoint: Endpoint;
  /** Undefined if the path does not say, and `auth_key` alone tells the app. */
  readonly appId: string | undefined;
  /** A channel or a user id, decoded; empty if the path names neither. */
  readonly name: string;
}

const EVENTS: Endpoint = { method: 'POST', path: '/apps/{id}/events', resource: postEvents, isTrigger: true };
const BATCH_EVENTS: Endpoint = {
  method: 'POST',
  path: '/apps/{id}/batch_events',
  resource: postBatchEvents,
  isTrigger: true,
};
const CHANNELS: Endpoint = { method: 'GET', path: '/apps/{id}/channels', resource: getChannels };
const CHANNEL: Endpoint = { method: 'GET', path: '/apps/{id}/channels/{channel}', resource: getChannel };
const CHANNEL_USERS: Endpoint = {
  method: 'GET',
  path: '/apps/{id}/channels/{channel}/users',
  resource: getChannelUsers,
};
const CHANNEL_EVENTS: Endpoint = {
  method: 'GET',
  path: '/apps/{id}/channels/{channel}/events',
  resource: getChannelEvents,
};
const TERMINATE: Endpoint = {
  method: 'POST',
  path: '/apps/{id}/users/{user_id}/terminate_connections',
  resource: postTerminateConnections,
};
const REVOKE_TOKENS: Endpoint = {
  method: 'POST',
  path: '/apps/{id}/users/{user_id}/revoke_tokens',
  resource: postRevokeTokens,
};
const USER_STATUS: Endpoint = { method: 'POST', path: '/apps/{id}/users/status', resource: postUserStatus };
const REVOKE_TOKEN: Endpoint = { method: 'POST', path: '/apps/{id}/tokens/revoke', resource: postRevokeToken };
const GIVEN_UP: Endpoint = { method: 'GET', path: '/apps/{id}/webhooks/given_up', resource: getGivenUp };
const RESEND: Endpoint = { method: 'POST', path: '/apps/{id}/webhooks/resend', resource: postResend };
const UNSUBSCRIBE: Endpoint = {
  method: 'POST',
  path: '/apps/{id}/users/{user_id}/unsubscribe',
  resource: postUnsubscribe,
};

export const ENDPOINTS: readonly Endpoint[] = [
  ...[EVENTS, BATCH_EVENTS, CHANNELS, CHANNEL, CHANNEL_USERS, CHANNEL_EVENTS],
  ...[TERMINATE, UNSUBSCRIBE, REVOKE_TOKENS, REVOKE_TOKEN, USER_STATUS, GIVEN_UP, RESEND],
];

const APPS = '/apps/';
const USERS = 'users/';
/** What follows a channel in a path, and what follows a user. */
const OF_CHANNELS: ReadonlyMap<string | undefined, Endpoint> = new Map([
  [undefined, CHANNEL],
  ['users', CHANNEL_USERS],
  ['events', CHANNEL_EVENTS],
]);
const OF_USERS: readonly Endpoint[] = [TERMINATE, UNSUBSCRIBE, REVOKE_TOKENS];

/** What a path, as it was sent, asks for; undefined if nothing is. */
export function routeOf(path: string): Route | undefined {
  if (!path.startsWith(APPS)) return path.startsWith('/users/') ? userRoute(undefined, path.slice(1)) : undefined;
  const slash = path.indexOf('/', APPS.length);
  if (slash <= APPS.length) return undefined;
  const appId = percentDecoded(path.slice(APPS.length, slash));
  const rest = path.slice(slash + 1);
  if (rest === 'events') return { endpoint: EVENTS, appId, name: '' };
  if (rest === 'batch_events') return { endpoint: BATCH_EVENTS, appId, name: '' };
  if (rest === 'channels') return { endpoint: CHANNELS, appId, name: '' };
  if (rest === 'users/status') return { endpoint: USER_STATUS, appId, name: '' };
  if (rest === 'tokens/revoke') return { endpoint: REVOKE_TOKEN, appId, name: '' };
  if (rest === 'webhooks/given_up') return { endpoint: GIVEN_UP, appId, name: '' };
  if (rest === 'webhooks/resend') return { endpoint: RESEND, appId, name: '' };
  if (rest.startsWith(USERS)) return userRoute(appId, rest);
  const [first, channel, last, more] = rest.split('/', 4);
  if (first !== 'channels' || channel === undefined || channel === '' || more !== undefined) return undefined;
  const endpoint = OF_CHANNELS.get(last);
  return endpoint === undefined ? undefined : { endpoint, appId, name: percentDecoded(channel) };
}

/**
 * User ids are the application's own and most libraries put them into the path as they are: everything up to the suffix
 * belongs to the id, slashes included. The Python library leaves the app out of the path.
 */
function userRoute(appId: string | undefined, rest: string): Route | undefined {
  const end = rest.lastIndexOf('/');
  const endpoint = OF_USERS.find(({ path }) => path.endsWith(rest.slice(end)));
  if (endpoint === undefined || end <= USERS.length) return undefined;
  return { endpoint, appId, name: percentDecoded(rest.slice(USERS.length, end)) };
}
