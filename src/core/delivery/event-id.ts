import type { LoggedMessage } from '../contracts/channel-log.ts';
import type { Position } from '../contracts/position.ts';

/**
 * The frame of a logged event with its id as the last member: `"id":"{epoch}:{offset}"`. Ids of one channel grow while
 * the epoch stays the same, so a client that remembers the last one knows what it has had already. Stock clients ignore
 * it.
 */
export function frameWithId({ frame, position }: LoggedMessage): string {
  return `${frame.slice(0, -1)},"id":"${eventId(position)}"}`;
}

export function eventId({ epoch, offset }: Position): string {
  return `${epoch}:${offset}`;
}

/** The place that an event's id names; undefined if it is none. */
export function positionOf(id: string): Position | undefined {
  const colon = id.lastIndexOf(':');
  const epoch = id.slice(0, colon);
  const digits = id.slice(colon + 1);
  const offset = Number(digits);
  const isId = colon > 0 && /^[\w.-]{1,64}$/.test(epoch) && /^\d{1,16}$/.test(digits) && Number.isSafeInteger(offset);
  return isId ? { epoch, offset } : undefined;
}
