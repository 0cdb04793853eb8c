import { encodeEvent } from '../../protocol/frames.ts';

/** Follows `subscription_succeeded` on every channel of a resumable connection. (docs/resume.md) */
const RESUMED_EVENT = 'fanfare:resumed';

/**
 * `gap`: the log no longer reaches back to where the client was. `unknown`: the server knows of no earlier subscription
 * to this channel under the client's token, be it a first one or one too long ago. `shared`: another page uses the same
 * token, and nobody can say which of them has received what.
 */
export type NotRecoveredReason = 'gap' | 'unknown' | 'shared';

export function encodeRecovered(channel: string, events: number): string {
  return encodeEvent(RESUMED_EVENT, channel, `{"recovered":true,"events":${events}}`);
}

export function encodeNotRecovered(channel: string, reason: NotRecoveredReason): string {
  return encodeEvent(RESUMED_EVENT, channel, `{"recovered":false,"reason":"${reason}"}`);
}
