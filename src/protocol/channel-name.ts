/** The eight kinds of channel that a client may name, and the reserved one of a signed-in user. */
export type ChannelAccess = 'public' | 'private' | 'presence';

export interface ChannelKind {
  /** Who may subscribe: anyone, whoever holds a signature, or whoever holds one that names a member. */
  readonly access: ChannelAccess;
  /** End-to-end encrypted: the server relays ciphertext and client events are refused. */
  readonly encrypted: boolean;
  /** The last event is kept and sent to whoever subscribes. */
  readonly cache: boolean;
  /** `#server-to-user-{id}`: the user's own channel, joined without a signature after sign-in. */
  readonly serverToUser: boolean;
}

function kind(access: ChannelAccess, encrypted: boolean, cache: boolean, serverToUser = false): ChannelKind {
  return Object.freeze({ access, encrypted, cache, serverToUser });
}

const PUBLIC = kind('public', false, false);
const SERVER_TO_USER = kind('private', false, false, true);

/**
 * Longest prefix first; the hyphen belongs to the prefix, so `privateer` is a public channel. (Channels docs: channel
 * types)
 */
const PREFIXES: ReadonlyArray<readonly [string, ChannelKind]> = [
  ['private-encrypted-cache-', kind('private', true, true)],
  ['private-encrypted-', kind('private', true, false)],
  ['private-cache-', kind('private', false, true)],
  ['private-', kind('private', false, false)],
  ['presence-cache-', kind('presence', false, true)],
  ['presence-', kind('presence', false, false)],
  ['cache-', kind('public', false, true)],
];

export const SERVER_TO_USER_PREFIX = '#server-to-user-';

const VALID_NAME = /^[A-Za-z0-9_\-=@,.;]+$/;

/** What a channel's name says about it. Names no prefix applies to are public. */
export function channelKind(channel: string): ChannelKind {
  const first = channel.charCodeAt(0);
  if (first === 0x23 /* # */ && channel.startsWith(SERVER_TO_USER_PREFIX)) return SERVER_TO_USER;
  if (first !== 0x70 /* p */ && first !== 0x63 /* c */) return PUBLIC;
  for (const [prefix, found] of PREFIXES) if (channel.startsWith(prefix)) return found;
  return PUBLIC;
}

/**
 * Why a channel's name is not acceptable, as a sentence, or undefined if it is.
 * `#server-to-user-{id}` may hold any user id: ids are the application's own.
 */
export function channelNameProblem(channel: unknown, maxLength: number): string | undefined {
  if (typeof channel !== 'string' || channel === '') return 'The channel name must be a non-empty string';
  if (channel === SERVER_TO_USER_PREFIX) return 'The channel name lacks the user id';
  if (channel.length > maxLength) {
    return `The channel name is ${channel.length} characters long; the limit is ${maxLength}`;
  }
  if (!channel.startsWith(SERVER_TO_USER_PREFIX) && !VALID_NAME.test(channel)) {
    return `Invalid channel name '${printable(channel)}': only letters, digits and _ - = @ , . ; are allowed`;
  }
  return undefined;
}

/** Names come from strangers: what is echoed into an error or a log is short and holds no control characters. */
export function printable(text: string, maxLength = 80): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is being removed
  return cut.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?');
}
