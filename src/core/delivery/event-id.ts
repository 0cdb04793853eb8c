import type { LoggedMessage } from '../contracts/channel-log.ts';

/**
 * The frame of a logged event with its id as the last member: `"id":"{epoch}:{offset}"`. Ids of one channel grow while
 * the epoch stays the same, so a client that remembers the last one knows what it has had already. Stock clients ignore
 * it.
 */
export function frameWithId({ frame, position: { epoch, offset } }: LoggedMessage): string {
  return `${frame.slice(0, -1)},"id":"${epoch}:${offset}"}`;
}
