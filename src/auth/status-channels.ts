import { MAX_STATUS_CHANNELS } from '../core/contracts/user-status.ts';
import { channelNameProblem } from '../protocol/channel-name.ts';
import type { VerifiedUser } from './token.ts';

const PLACEHOLDER = /\{([A-Za-z0-9_-]+)\}/;

/**
 * The channels on which a user's status is told: `private-domain.{domains}` is one for each value of the claim
 * `domains`. Values that are empty, or that no channel's name can hold, give none.
 */
export function statusChannels(patterns: readonly string[], { id, claims }: VerifiedUser, maxLength: number): string[] {
  const channels = new Set<string>();
  for (const pattern of patterns) {
    const claim = PLACEHOLDER.exec(pattern)?.[1];
    const value = claim === undefined ? '' : claim === 'user_id' ? id : claims[claim];
    for (const item of Array.isArray(value) ? value : [value]) {
      if (typeof item !== 'string' && typeof item !== 'number') continue;
      if (claim !== undefined && item === '') continue;
      const channel = pattern.replace(PLACEHOLDER, () => String(item));
      if (channelNameProblem(channel, maxLength) === undefined) channels.add(channel);
      if (channels.size === MAX_STATUS_CHANNELS) return [...channels];
    }
  }
  return [...channels];
}
