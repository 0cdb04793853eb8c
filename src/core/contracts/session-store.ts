import type { Position } from './position.ts';

/** Up to where a client has received, on each of its channels. */
export interface SavedSession {
  /** The socket ids that the session has had, newest last: events that left those out are not for it. */
  readonly socketIds: readonly string[];
  readonly channels: ReadonlyMap<string, Position>;
}

/** Who has a session, and may save it. */
export interface SessionOwner {
  readonly appId: string;
  /** A digest of the client's token: whoever reads the store cannot take a session over. */
  readonly session: string;
  readonly socketId: string;
  /** The node that has the connection, by the name by which others can ask it. */
  readonly node: string;
  /** Where the client comes from: an IPv4 address, or a block of IPv6 ones. It answers for what its sessions take. */
  readonly address: string;
}

/** What sessions may take of the store. */
export interface SessionBounds {
  /** For one session: beyond it, the channels that were joined first are not saved. */
  readonly maxChannels: number;
  /** For one session, as `sessionBytes` counts them: beyond it, the same. */
  readonly maxBytes: number;
  /** For all sessions that clients of one address have left: beyond it, those saved the longest ago are forgotten. */
  readonly maxBytesPerAddress: number;
}

/** What a store knows of a session that is claimed. */
export interface ClaimedSession {
  readonly saved: SavedSession | undefined;
  /** The node whose connection had the session, and has not released it. */
  readonly holder: string | undefined;
  /** Two pages use the session's token: nobody can say which of them has received what. */
  readonly isShared: boolean;
}

/**
 * Keeps what is needed to resume after a connection has ended, on any node, within SessionBounds. Calls reject with
 * BrokerUnavailable.
 */
export interface SessionStore {
  /** Makes a connection the session's owner; earlier owners can no longer save. */
  claim(owner: SessionOwner): Promise<ClaimedSession>;
  /** Saves for the store's retention; false if another connection has claimed the session, or if it is shared. */
  save(owner: SessionOwner, saved: SavedSession): Promise<boolean>;
  /** The same, of a connection that has ended: whoever claims the session next need not ask its node. */
  release(owner: SessionOwner, saved: SavedSession): Promise<boolean>;
  /** Marks a session as shared, for the store's retention. */
  share(owner: SessionOwner): Promise<void>;
}

/** What is counted for a session without channels, and for each channel beside its name and epoch: measured in Redis. */
const BYTES_PER_SESSION = 800;
const BYTES_PER_CHANNEL = 30;

/** About what a session takes of a store, in bytes; one that was claimed and never saved takes some as well. */
export function sessionBytes(saved: SavedSession | undefined): number {
  let bytes = BYTES_PER_SESSION;
  for (const [channel, { epoch }] of saved?.channels ?? []) bytes += channelBytes(channel, epoch);
  return bytes;
}

/** As much of a session as may be kept: of its channels those that stand last. */
export function withinBounds(saved: SavedSession, { maxChannels, maxBytes }: SessionBounds): SavedSession {
  const within: [string, Position][] = [];
  let bytes = BYTES_PER_SESSION;
  for (const [channel, position] of [...saved.channels].reverse()) {
    bytes += channelBytes(channel, position.epoch);
    if (within.length >= maxChannels || bytes > maxBytes) break;
    within.push([channel, position]);
  }
  if (within.length === saved.channels.size) return saved;
  return { socketIds: saved.socketIds, channels: new Map(within.reverse()) };
}

function channelBytes(channel: string, epoch: string): number {
  return BYTES_PER_CHANNEL + Buffer.byteLength(channel) + epoch.length;
}
