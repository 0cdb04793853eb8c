import { type ChannelKind, SERVER_TO_USER_PREFIX } from '../../protocol/channel-name.ts';
import type { JsonObject } from '../../protocol/frames.ts';
import { channelSignature, isAuthValid } from '../../protocol/signatures.ts';
import type { Connection } from '../connection/connection.ts';
import type { Member } from '../contracts/roster.ts';
import { type Identity, memberOf, readChannelData } from './channel-data.ts';

/** Why a subscription was refused, as `pusher:subscription_error` tells it. */
export interface Refusal {
  readonly type: 'AuthError' | 'InvalidChannel' | 'InvalidChannelData' | 'LimitReached';
  readonly message: string;
  readonly status: number;
}

export interface Authorized {
  /** Undefined if no signature named anyone. */
  readonly identity: Identity | undefined;
  readonly member: Member | undefined;
}

/** `#server-to-user-{id}` is for that user alone. (Channels docs: sending events to authenticated users) */
export function checkOwnChannel(connection: Connection, channel: string): Authorized | Refusal {
  if (connection.user !== undefined && channel === SERVER_TO_USER_PREFIX + connection.user.id) {
    return { identity: undefined, member: undefined };
  }
  const message = "This channel is another user's own: sign in as that user first";
  return { type: 'AuthError', message, status: 401 };
}

/** What the `auth` of a subscription to a guarded channel allows. */
export function checkSignature(
  connection: Connection,
  channel: string,
  kind: ChannelKind,
  data: JsonObject,
): Authorized | Refusal {
  const { app } = connection;
  const { auth, channel_data: channelData } = data;
  if (typeof auth !== 'string' || auth === '') {
    return denied('A guarded channel needs an "auth" of the form key:signature from the authorization endpoint');
  }
  // Clients that have no channel_data leave it out, send null or send an empty string.
  const raw = typeof channelData === 'string' && channelData !== '' ? channelData : undefined;
  if (!isAuthValid(auth, app.key, channelSignature(app.secret, connection.socketId, channel, raw))) {
    const signed = raw === undefined ? 'socket_id:channel' : 'socket_id:channel:channel_data';
    return denied(`Invalid signature: expected ${app.key}: and HMAC-SHA256 hex of ${signed} by the app's secret`);
  }
  if (raw !== undefined) {
    const identity = readChannelData(raw, app.limits);
    if (!('problem' in identity)) {
      const member = kind.access === 'presence' ? memberOf(identity) : undefined;
      return { identity, member };
    }
    // A private channel's data is the application's own; only a presence channel cannot do without a member.
    if (kind.access === 'presence') return { type: 'InvalidChannelData', message: identity.problem, status: 400 };
    return { identity: undefined, member: undefined };
  }
  if (kind.access !== 'presence') return { identity: undefined, member: undefined };
  if (connection.user === undefined) {
    const message = 'A presence channel needs channel_data, or a connection that has signed in';
    return { type: 'InvalidChannelData', message, status: 400 };
  }
  return { identity: undefined, member: { userId: connection.user.id, info: connection.user.info } };
}

export function denied(message: string): Refusal {
  return { type: 'AuthError', message, status: 401 };
}
