import { channelNameProblem } from '../../protocol/channel-name.ts';
import { isJsonObject, type JsonObject, jsonOf, parseJson } from '../../protocol/frames.ts';
import type { AppLimits } from '../contracts/app.ts';
import { type TokenFacts, tokenFacts } from '../contracts/revocations.ts';
import type { Member } from '../contracts/roster.ts';
import { MAX_STATUS_CHANNELS } from '../contracts/user-status.ts';

/** What the signed `channel_data` of a guarded channel, or `user_data` of a sign-in, says about the client. */
export interface Identity {
  readonly userId: string;
  /** JSON of `user_info`, undefined if it was left out. */
  readonly info: string | undefined;
  /** Unix seconds: when the token ends that the signature was given for. */
  readonly expiresAt: number | undefined;
  readonly token: TokenFacts;
}

/** A sentence that says what is wrong with signed data. */
export interface DataProblem {
  readonly problem: string;
}

/**
 * Reads `channel_data`: `{"user_id":"42","user_info":{…},"exp":1767225600,"iat":…,"jti":…}`; a numeric user id is
 * taken as its string.
 */
export function readChannelData(raw: string, limits: AppLimits): Identity | DataProblem {
  const data = parseJson(raw);
  if (!isJsonObject(data)) return { problem: 'channel_data must be a string of a JSON object' };
  const userId = typeof data.user_id === 'number' ? String(data.user_id) : data.user_id;
  if (typeof userId !== 'string' || userId === '') {
    return { problem: 'channel_data needs a "user_id" that is a non-empty string or a number' };
  }
  return readIdentity(userId, data, limits);
}

export interface UserData extends Identity {
  readonly watchlist: readonly string[];
  /** Where the user's coming and going is told, if the app wants that. */
  readonly statusChannels: readonly string[];
}

/** Reads `user_data` of a sign-in: `{"id":"42","user_info":{…},"watchlist":["7"],"exp":1767225600}`. */
export function readUserData(raw: string, limits: AppLimits): UserData | DataProblem {
  const data = parseJson(raw);
  if (!isJsonObject(data)) return { problem: 'user_data must be a string of a JSON object' };
  const { id, watchlist, status_channels: told } = data;
  if (typeof id === 'number') {
    return { problem: `The "id" of user_data must be a string: send "${id}" in quotes, not the number ${id}` };
  }
  if (typeof id !== 'string' || id === '') return { problem: 'user_data needs an "id" that is a non-empty string' };
  const identity = readIdentity(id, data, limits);
  if ('problem' in identity) return identity;
  const statusChannels = told ?? [];
  if (!Array.isArray(statusChannels) || !statusChannels.every((name) => isStatusChannel(name, limits))) {
    return { problem: 'The "status_channels" of user_data must be a list of names of channels' };
  }
  if (statusChannels.length > MAX_STATUS_CHANNELS) {
    return { problem: `The "status_channels" of user_data are more than ${MAX_STATUS_CHANNELS}` };
  }
  if (watchlist === undefined || watchlist === null) return { ...identity, watchlist: [], statusChannels };
  if (!Array.isArray(watchlist) || !watchlist.every((entry) => typeof entry === 'string')) {
    return { problem: 'The "watchlist" of user_data must be a list of user ids, which are strings' };
  }
  return { ...identity, watchlist: [...new Set<string>(watchlist)], statusChannels };
}

function isStatusChannel(name: unknown, limits: AppLimits): name is string {
  return channelNameProblem(name, limits.maxChannelNameLength) === undefined;
}

function readIdentity(userId: string, data: JsonObject, limits: AppLimits): Identity | DataProblem {
  const { user_info: info, exp, jti, iat } = data;
  if (userId.length > limits.maxUserIdLength) {
    return {
      problem: `The user id is ${userId.length} characters long; the limit is ${limits.maxUserIdLength}`,
    };
  }
  const json = info === undefined ? undefined : jsonOf(info);
  if (info !== undefined && json === undefined) return { problem: 'The user_info is nested too deeply' };
  if (json !== undefined && Buffer.byteLength(json) > limits.maxPresenceMemberBytes) {
    return { problem: `The user_info is larger than ${limits.maxPresenceMemberBytes} bytes` };
  }
  const expiresAt = typeof exp === 'number' && Number.isFinite(exp) ? exp : undefined;
  return { userId, info: json, expiresAt, token: tokenFacts(userId, jti, iat) };
}

export function memberOf(identity: Identity): Member {
  return { userId: identity.userId, info: identity.info };
}
