/** The JSON of the WebSocket wire: the one place that parses what clients send and writes what they get. */

export interface ClientFrame {
  readonly event: string;
  readonly channel: string | undefined;
  /** As it was parsed: any JSON value, undefined if it was left out. */
  readonly data: unknown;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses JSON from a stranger: undefined if it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A frame, or the sentence that tells the client what is wrong with it. */
export function decodeFrame(text: string): ClientFrame | string {
  const value = parseJson(text);
  if (!isJsonObject(value)) return 'A message must be a JSON object such as {"event":"pusher:ping","data":{}}';
  const { event, channel, data } = value;
  if (typeof event !== 'string' || event === '') return 'A message needs an "event" that is a non-empty string';
  if (channel !== undefined && channel !== null && typeof channel !== 'string') {
    return 'The "channel" of a message must be a string';
  }
  return { event, channel: channel ?? undefined, data };
}

/** The data of the protocol's own frames is an object; some clients send it as a string of JSON. */
export function dataObject(data: unknown): JsonObject | undefined {
  const value = typeof data === 'string' ? parseJson(data) : data;
  return isJsonObject(value) ? value : undefined;
}

/** The JSON of a value that was parsed from a stranger's; undefined if it is nested too deeply to be written. */
export function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (error) {
    // The engine reads deeper than it writes.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What clients expect as `data`: a string is passed on byte for byte, anything else as its JSON; see jsonOf. */
export function dataString(data: unknown): string | undefined {
  return typeof data === 'string' ? data : jsonOf(data);
}

export function encodeEvent(event: string, channel: string, data: string, userId?: string): string {
  const head = `{"event":${JSON.stringify(event)},"channel":${JSON.stringify(channel)},"data":${JSON.stringify(data)}`;
  return userId === undefined ? `${head}}` : `${head},"user_id":${JSON.stringify(userId)}}`;
}

const INTERNAL_HEAD = '{"event":"pusher_internal:';

/** Whether an encoded frame tells of the channel itself and is no event of the application. */
export function isInternalFrame(frame: string): boolean {
  return frame.startsWith(INTERNAL_HEAD);
}

export function encodeConnectionEstablished(socketId: string, activityTimeoutSeconds: number): string {
  const data = JSON.stringify({ socket_id: socketId, activity_timeout: activityTimeoutSeconds });
  return `{"event":"pusher:connection_established","data":${JSON.stringify(data)}}`;
}

/**
 * `data` is an object here, unlike elsewhere: the Swift client drops a string. `code` may be null after the handshake.
 */
export function encodeError(code: number | null, message: string, channel?: string): string {
  return JSON.stringify({ event: 'pusher:error', data: { code, message }, channel });
}

export const PONG_FRAME = '{"event":"pusher:pong","data":"{}"}';

export function encodeSubscriptionSucceeded(channel: string, data = '{}'): string {
  return encodeEvent('pusher_internal:subscription_succeeded', channel, data);
}

/** The data of a presence subscription's success; `info` is JSON, undefined if a member has none. */
export function presenceData(
  members: ReadonlyArray<{ readonly userId: string; readonly info: string | undefined }>,
): string {
  const ids = members.map((member) => JSON.stringify(member.userId));
  // Written rather than built as an object: a user id such as __proto__ must stay a key like any other.
  const hash = members.map((member) => `${JSON.stringify(member.userId)}:${member.info ?? '{}'}`);
  return `{"presence":{"ids":[${ids.join(',')}],"hash":{${hash.join(',')}},"count":${members.length}}}`;
}

export function encodeMemberAdded(channel: string, userId: string, info: string | undefined): string {
  const data = `{"user_id":${JSON.stringify(userId)},"user_info":${info ?? '{}'}}`;
  return encodeEvent('pusher_internal:member_added', channel, data);
}

export function encodeMemberRemoved(channel: string, userId: string): string {
  return encodeEvent('pusher_internal:member_removed', channel, `{"user_id":${JSON.stringify(userId)}}`);
}

export function encodeSubscriptionCount(channel: string, count: number): string {
  return encodeEvent('pusher_internal:subscription_count', channel, `{"subscription_count":${count}}`);
}

/** The one form of a refusal that reaches the application for its channel. */
export function encodeSubscriptionError(channel: string, type: string, error: string, status: number): string {
  return JSON.stringify({ event: 'pusher:subscription_error', channel, data: { type, error, status } });
}

export function encodeCacheMiss(channel: string): string {
  return `{"event":"pusher:cache_miss","channel":${JSON.stringify(channel)},"data":"{}"}`;
}

export function encodeSigninSuccess(userData: string): string {
  return `{"event":"pusher:signin_success","data":${JSON.stringify(JSON.stringify({ user_data: userData }))}}`;
}

export function encodeWatchlistEvents(name: 'online' | 'offline', userIds: readonly string[]): string {
  const data = JSON.stringify({ events: [{ name, user_ids: userIds }] });
  return `{"event":"pusher_internal:watchlist_events","data":${JSON.stringify(data)}}`;
}
