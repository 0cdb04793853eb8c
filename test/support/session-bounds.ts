import type { SessionBounds, SessionOwner } from '../../src/core/contracts/session-store.ts';
import type { SessionRetention } from '../../src/core/contracts/shared-state.ts';

/** Wide enough for tests that are about something else. */
export const SESSION_BOUNDS: SessionBounds = { maxChannels: 1000, maxBytes: 65_536, maxBytesPerAddress: 1_000_000 };
export const SESSION_RETENTION: SessionRetention = { sessionSeconds: 1000, session: SESSION_BOUNDS };

export function sessionOwner(appId: string, session: string, socketId: string, address = '192.0.2.1'): SessionOwner {
  return { appId, session, socketId, node: 'node', address };
}
