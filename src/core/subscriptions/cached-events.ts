import { encodeCacheMiss, isInternalFrame } from '../../protocol/frames.ts';
import type { CachedFrame } from '../contracts/broker.ts';
import type { Replayed } from '../resume/replay.ts';

/**
 * What a joiner of a cache channel is sent first: the channel's last event, or word that there is none. Nothing if it
 * is among what the joiner is sent anyway.
 */
export function encodeLastEvent(
  channel: string,
  cached: CachedFrame | undefined,
  { messages, recovered }: Replayed,
): string | undefined {
  if (recovered) return undefined;
  if (cached === undefined) {
    const hasEvent = messages.some(({ frame }) => !isInternalFrame(frame));
    return hasEvent ? undefined : encodeCacheMiss(channel);
  }
  // The cache has no position: an event that came while it was read is known again by its text alone.
  return messages.some(({ frame }) => frame === cached.frame) ? undefined : cached.frame;
}
