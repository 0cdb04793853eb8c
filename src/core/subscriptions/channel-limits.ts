import { channelNameProblem } from '../../protocol/channel-name.ts';
import { counted } from '../../protocol/counted.ts';
import type { Connection } from '../connection/connection.ts';
import type { Metrics } from '../contracts/metrics.ts';
import type { Refusal } from './channel-access.ts';

/** Channels that a connection asks for before it has signed in, if that is required. */
const MAX_CHANNELS_BEFORE_SIGN_IN = 1000;

/**
 * Why a connection may not ask for a channel, whatever it may see there: its name, or how many it has or asks for.
 * Undefined if it may.
 *
 * @param isAwaited it was counted when it was asked for before the connection was authorized
 */
export function channelProblem(
  connection: Connection,
  channel: string,
  isAwaited: boolean,
  metrics: Metrics,
): Refusal | undefined {
  const problem = channelNameProblem(channel, connection.app.limits.maxChannelNameLength);
  if (problem !== undefined) return { type: 'InvalidChannel', message: problem, status: 400 };
  const full = numberProblem(connection);
  if (full !== undefined || isAwaited) return full;
  const tooMany = rateProblem(connection);
  if (tooMany !== undefined) metrics.refused.add('subscriptions-per-second');
  return tooMany;
}

function numberProblem({ app, authorized, subscriptions, awaiting }: Connection): Refusal | undefined {
  const { maxChannelsPerConnection } = app.limits;
  if (maxChannelsPerConnection > 0 && subscriptions.size + awaiting.size >= maxChannelsPerConnection) {
    const message = `A connection may subscribe to at most ${counted(maxChannelsPerConnection, 'channel')}`;
    return { type: 'LimitReached', message, status: 403 };
  }
  if (authorized || awaiting.size < MAX_CHANNELS_BEFORE_SIGN_IN) return undefined;
  const most = counted(MAX_CHANNELS_BEFORE_SIGN_IN, 'channel');
  const message = `Before it has signed in, a connection may ask for at most ${most}`;
  return { type: 'LimitReached', message, status: 403 };
}

/** Counts a subscription that is asked for; why it is one too many in this second, or undefined. */
function rateProblem({ app, subscribing }: Connection): Refusal | undefined {
  const { subscriptionsPerSecond, maxChannelsPerConnection } = app.limits;
  // Who comes back asks for all of its channels at once.
  const isFree = subscriptionsPerSecond === 0 || maxChannelsPerConnection === 0;
  const perSecond = isFree ? 0 : Math.max(subscriptionsPerSecond, maxChannelsPerConnection);
  if (subscribing.take(Date.now(), perSecond)) return undefined;
  const message = `Over the limit of ${perSecond} subscriptions a second: try again in 1 s`;
  return { type: 'LimitReached', message, status: 429 };
}
