import type { App } from '../core/contracts/app.ts';
import { channelKind } from '../protocol/channel-name.ts';
import { authValue, channelSignature, sharedSecret, userSignature } from '../protocol/signatures.ts';
import { AuthRefusal } from './refusals.ts';
import type { MemberInfo } from './rules.ts';
import { statusChannels } from './status-channels.ts';
import type { VerifiedUser } from './token.ts';

/** What a stock client takes from the channel endpoint, and forwards. */
export interface ChannelAuth {
  readonly auth: string;
  readonly channel_data?: string;
  readonly shared_secret?: string;
}

export interface UserAuth {
  readonly auth: string;
  readonly user_data: string;
}

export interface ChannelGrant {
  readonly app: App;
  readonly socketId: string;
  readonly channel: string;
  readonly user: VerifiedUser;
  readonly info: MemberInfo | undefined;
}

/**
 * Signs one guarded channel for one socket. `channel_data` names the member on a presence channel; with
 * `signChannelData` it also tells the server, on every kind, who the user is and until when the token holds (`exp`,
 * unix seconds). Throws an AuthRefusal if the app cannot serve the channel. (Channels docs: generating
 * authentication signatures)
 */
export function signChannel(
  { app, socketId, channel, user, info }: ChannelGrant,
  signChannelData: boolean,
): ChannelAuth {
  const kind = channelKind(channel);
  const presence = kind.access === 'presence';
  const data =
    presence || signChannelData
      ? JSON.stringify({
          user_id: user.id,
          user_info: presence ? memberInfo(app, info) : undefined,
          ...(signChannelData ? tokenClaims(user) : {}),
        })
      : undefined;
  return {
    auth: authValue(app.key, channelSignature(app.secret, socketId, channel, data)),
    ...(data === undefined ? {} : { channel_data: data }),
    ...(kind.encrypted ? { shared_secret: sharedSecret(channel, masterKeyOf(app)) } : {}),
  };
}

/** Signs the user in on one socket. (Channels docs: user authentication) */
export function signUser(
  app: App,
  socketId: string,
  user: VerifiedUser,
  details: { readonly info?: MemberInfo; readonly watchlist?: readonly string[] },
): UserAuth {
  const userData = JSON.stringify({
    id: user.id,
    user_info: details.info,
    watchlist: details.watchlist,
    status_channels:
      app.statusChannels.length === 0
        ? undefined
        : statusChannels(app.statusChannels, user, app.limits.maxChannelNameLength),
    ...tokenClaims(user),
  });
  return { auth: authValue(app.key, userSignature(app.secret, socketId, userData)), user_data: userData };
}

/** By which the server knows when the token ends, and whether it was revoked. */
function tokenClaims({ expiresAt, claims: { iat, jti } }: VerifiedUser): object {
  return { exp: expiresAt, iat, jti };
}

function memberInfo(app: App, info: MemberInfo | undefined): MemberInfo | undefined {
  const limit = app.limits.maxPresenceMemberBytes;
  const bytes = info === undefined ? 0 : Buffer.byteLength(JSON.stringify(info));
  if (bytes <= limit) return info;
  throw new AuthRefusal('member_too_large', `the member's info is ${bytes} bytes of JSON; the app allows ${limit}`);
}

function masterKeyOf(app: App): Uint8Array {
  if (app.encryptionMasterKey !== undefined) return app.encryptionMasterKey;
  throw new AuthRefusal(
    'encryption_key_missing',
    `app '${app.id}' has no encryptionMasterKey; set it to 32 random bytes in base64, such as from: openssl rand -base64 32`,
  );
}
