import type { Position } from './position.ts';

/** Up to where a client has received, on each of its channels. */
export interface SavedSession {
  /** The socket ids that the session has had, newest last: events that left those out are not for it. */
  readonly socketIds: readonly string[];
  readonly channels: ReadonlyMap<string, Position>;
}

/**
 * Keeps what is needed to resume after a connection has ended, on any node. `session` is a digest of the client's
 * token: whoever reads the store cannot take a session over. Calls reject with BrokerUnavailable.
 */
export interface SessionStore {
  /** Makes a connection the session's owner and gives what was saved; earlier owners can no longer save. */
  claim(appId: string, session: string, socketId: string): Promise<SavedSession | undefined>;
  /** Saves for the store's retention; false where another connection has claimed the session. */
  save(appId: string, session: string, socketId: string, saved: SavedSession): Promise<boolean>;
}
