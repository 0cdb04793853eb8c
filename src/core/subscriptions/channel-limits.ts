import { counted } from '../../protocol/counted.ts';
import type { Connection } from '../connection/connection.ts';
import type { Refusal } from './channel-access.ts';

/** Channels that a connection asks for before it has signed in, where that is required. */
const MAX_CHANNELS_BEFORE_SIGN_IN = 1000;

/** Why a connection may not have another channel, or undefined. */
export function channelsProblem({ app, subscriptions, awaiting }: Connection): Refusal | undefined {
  const { maxChannelsPerConnection } = app.limits;
  if (maxChannelsPerConnection > 0 && subscriptions.size + awaiting.size >= maxChannelsPerConnection) {
    const message = `A connection may subscribe to at most ${counted(maxChannelsPerConnection, 'channel')}`;
    return { type: 'LimitReached', message, status: 403 };
  }
  if (awaiting.size < MAX_CHANNELS_BEFORE_SIGN_IN) return undefined;
  const most = counted(MAX_CHANNELS_BEFORE_SIGN_IN, 'channel');
  const message = `Before it has signed in, a connection may ask for at most ${most}`;
  return { type: 'LimitReached', message, status: 403 };
}

/** Counts a subscription that is asked for; why it is one too many in this second, or undefined. */
export function rateProblem({ app, subscribing }: Connection): Refusal | undefined {
  const { subscriptionsPerSecond, maxChannelsPerConnection } = app.limits;
  // Who comes back asks for all of its channels at once.
  const isFree = subscriptionsPerSecond === 0 || maxChannelsPerConnection === 0;
  const perSecond = isFree ? 0 : Math.max(subscriptionsPerSecond, maxChannelsPerConnection);
  if (subscribing.take(Date.now(), perSecond)) return undefined;
  const message = `Over the limit of ${perSecond} subscriptions a second: try again in 1 s`;
  return { type: 'LimitReached', message, status: 429 };
}
