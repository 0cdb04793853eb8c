import type { ChannelCounts } from '../core/contracts/roster.ts';
import { channelKind, printable } from '../protocol/channel-name.ts';
import { Refusal } from './responses.ts';

export type InfoAttribute = 'user_count' | 'subscription_count' | 'cache';

/** What may be asked about several channels; `cache` is for a single one. (HTTP API: channels) */
export const COUNT_ATTRIBUTES: readonly InfoAttribute[] = ['user_count', 'subscription_count'];
export const CHANNEL_ATTRIBUTES: readonly InfoAttribute[] = [...COUNT_ATTRIBUTES, 'cache'];

const NONE: ReadonlySet<InfoAttribute> = new Set();

/** The attributes that `info` names, a comma-separated string or a list; throws a Refusal of 400. */
export function infoAttributes(info: unknown, allowed: readonly InfoAttribute[]): ReadonlySet<InfoAttribute> {
  if (info === undefined || info === null || info === '') return NONE;
  const names: unknown[] = typeof info === 'string' ? info.split(',') : Array.isArray(info) ? info : [info];
  const wanted = new Set<InfoAttribute>();
  for (const name of names) {
    const trimmed = typeof name === 'string' ? name.trim() : undefined;
    if (trimmed === '') continue;
    const attribute = allowed.find((candidate) => candidate === trimmed);
    if (attribute === undefined) {
      throw new Refusal(400, `${described(name)} is no info attribute here: ask for ${allowed.join(', ')}`);
    }
    wanted.add(attribute);
  }
  return wanted;
}

function described(name: unknown): string {
  return typeof name === 'string' ? `'${printable(name, 40)}'` : `A ${name === null ? 'null' : typeof name}`;
}

export interface ChannelInfo {
  user_count?: number;
  subscription_count?: number;
}

/** The counts of a channel that were asked for; members are counted on presence channels alone. */
export function channelInfo(
  channel: string,
  wanted: ReadonlySet<InfoAttribute>,
  counts: ChannelCounts | undefined,
): ChannelInfo {
  const info: ChannelInfo = {};
  if (wanted.has('user_count') && channelKind(channel).access === 'presence') info.user_count = counts?.userCount ?? 0;
  if (wanted.has('subscription_count')) info.subscription_count = counts?.subscriptionCount ?? 0;
  return info;
}
