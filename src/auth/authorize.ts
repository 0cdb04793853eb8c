import type { App, AppRegistry } from '../core/contracts/app.ts';
import { type TokenFacts, tokenFacts } from '../core/contracts/revocations.ts';
import { isOriginAllowed } from '../core/lifecycle/origins.ts';
import { channelKind, channelNameProblem, printable } from '../protocol/channel-name.ts';
import { isSocketId } from '../protocol/socket-id.ts';
import { AuthRefusal } from './refusals.ts';
import type { RuleTurns } from './rule-turns.ts';
import type { MatchedRule, MemberInfo, RuleBook } from './rules.ts';
import { grantedDetails, grantedInfo, runRule } from './run-rule.ts';
import type { AuthSettings } from './settings.ts';
import { type ChannelAuth, signChannel, signUser, type UserAuth } from './signed-answers.ts';
import type { TokenVerifier, VerifiedUser } from './token.ts';
import { type TokenHeaders, tokenOf } from './token-source.ts';

/** Whether a token that is signed and has not ended was revoked; rejects with BrokerUnavailable. */
export type IsRevoked = (appId: string, token: TokenFacts) => Promise<boolean>;

/** For whoever decides without the state that nodes share. */
export const nothingIsRevoked: IsRevoked = async () => false;

/** What is decided with. */
export interface Authority {
  readonly apps: AppRegistry;
  readonly settings: AuthSettings;
  readonly verifier: TokenVerifier;
  readonly isRevoked: IsRevoked;
  readonly rules: RuleBook;
  readonly turns: RuleTurns;
}

/** What is known of a request so far: the fields of its log line, should it be refused. */
export interface Attempt {
  readonly ip: string;
  appId?: string;
  socketId?: string;
  channel?: string;
  userId?: string;
  /** The pattern of the rule that decided. */
  rule?: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Answers for one guarded channel. Rejects with an AuthRefusal; `attempt` is filled in on the way. */
export async function authorizeChannel(
  authority: Authority,
  attempt: Attempt,
  fields: Fields,
  headers: TokenHeaders,
): Promise<ChannelAuth> {
  const { settings } = authority;
  const app = appOf(authority, attempt, fields, headers.origin);
  const socketId = socketIdOf(attempt, fields);
  const channel = channelOf(attempt, fields, app);
  const token = tokenOf(headers, app, settings.cookieName);
  const { user, info } = await decide(authority, attempt, { app, socketId, channel, token });
  return signChannel({ app, socketId, channel, user, info }, settings.signChannelData);
}

/** One guarded channel, a client's socket and its token. */
export interface ChannelRequest {
  readonly app: App;
  readonly socketId: string;
  readonly channel: string;
  readonly token: string;
}

/** What was found on the way to a decision, as far as it went. */
export interface Found {
  user?: VerifiedUser;
  rule?: MatchedRule;
}

/**
 * Resolves if the token's user may join the channel; rejects with an AuthRefusal. Fills in `attempt` and `found`; the
 * rule is given what `shown` makes of the user.
 */
export async function decide(
  authority: Authority,
  attempt: Attempt,
  { app, socketId, channel, token }: ChannelRequest,
  found: Found = {},
  shown: (user: VerifiedUser) => VerifiedUser = (user) => user,
): Promise<{ readonly user: VerifiedUser; readonly info: MemberInfo | undefined }> {
  const { settings, rules, turns } = authority;
  const user = await verifiedUser(authority, token, app, attempt);
  found.user = user;
  const matched = rules.find(channel);
  if (matched === undefined) throw new AuthRefusal('no_rule');
  found.rule = matched;
  attempt.rule = matched.pattern;
  const { ruleTimeoutSeconds } = settings;
  const info = await turns.run(`${app.id}/${user.id}`, ruleTimeoutSeconds, () =>
    runRule(token, ruleTimeoutSeconds, attempt, async (tools) => {
      const context = { ...tools, appId: app.id, socketId, channel, ip: attempt.ip };
      return grantedInfo(await matched.rule(shown(user), matched.params, context));
    }),
  );
  return { user, info };
}

/** Answers for `pusher:signin`. Rejects with an AuthRefusal; `attempt` is filled in on the way. */
export async function authorizeUser(
  authority: Authority,
  attempt: Attempt,
  fields: Fields,
  headers: TokenHeaders,
): Promise<UserAuth> {
  const app = appOf(authority, attempt, fields, headers.origin);
  const socketId = socketIdOf(attempt, fields);
  const token = tokenOf(headers, app, authority.settings.cookieName);
  return await signedUser(authority, attempt, { app, socketId, token });
}

/** Signs in whom a token names, if the rule `user` says yes. Rejects as `authorizeUser`. */
export async function signedUser(
  authority: Authority,
  attempt: Attempt,
  { app, socketId, token }: Omit<ChannelRequest, 'channel'>,
): Promise<UserAuth> {
  const { settings, rules, turns } = authority;
  const user = await verifiedUser(authority, token, app, attempt);
  const rule = rules.user;
  if (rule === undefined) return signUser(app, socketId, user, {});
  attempt.rule = 'user';
  const { ruleTimeoutSeconds } = settings;
  const details = await turns.run(`${app.id}/${user.id}`, ruleTimeoutSeconds, () =>
    runRule(token, ruleTimeoutSeconds, attempt, async (tools) =>
      grantedDetails(await rule(user, { ...tools, appId: app.id, socketId, ip: attempt.ip })),
    ),
  );
  return signUser(app, socketId, user, details);
}

/** The server refuses what it is sent of a user whose id is longer than the app allows, so such a one is not signed. */
async function verifiedUser(
  { verifier, isRevoked }: Authority,
  token: string,
  app: App,
  attempt: Attempt,
): Promise<VerifiedUser> {
  const user = await verifier.verify(token);
  attempt.userId = printable(user.id);
  const { maxUserIdLength } = app.limits;
  if (user.id.length > maxUserIdLength) {
    throw new AuthRefusal('token_user_missing', `the user's id is over ${maxUserIdLength} characters long`);
  }
  const { jti, iat } = user.claims;
  if (await isRevoked(app.id, tokenFacts(user.id, jti, iat))) throw new AuthRefusal('token_revoked');
  return user;
}

/** The app that `app_key` names, else the default one, else the only one. */
function appOf({ apps, settings }: Authority, attempt: Attempt, { app_key }: Fields, origin: string): App {
  const app = namedApp(apps, settings.appId, app_key);
  attempt.appId = app.id;
  if (!app.enabled) throw new AuthRefusal('app_disabled');
  if (!isOriginAllowed(app.allowedOrigins, origin)) {
    throw new AuthRefusal(
      'origin_not_allowed',
      `the origin '${printable(origin)}' is not among the app's allowedOrigins`,
    );
  }
  return app;
}

export function namedApp(apps: AppRegistry, defaultAppId: string | undefined, key: unknown): App {
  if (key !== undefined && key !== '') {
    const app = typeof key === 'string' ? apps.findByKey(key) : undefined;
    if (app === undefined) throw new AuthRefusal('app_not_found');
    return app;
  }
  const all = apps.all();
  const app = defaultAppId === undefined ? (all.length === 1 ? all[0] : undefined) : apps.findById(defaultAppId);
  if (app === undefined) throw new AuthRefusal('app_unspecified');
  return app;
}

function socketIdOf(attempt: Attempt, { socket_id }: Fields): string {
  if (!isSocketId(socket_id)) throw new AuthRefusal('socket_id_invalid');
  attempt.socketId = printable(socket_id);
  return socket_id;
}

/** Laravel's order: an empty name and a channel that is not guarded are a 403 before anyone asks who is there. */
export function channelOf(attempt: Attempt, { channel_name }: Fields, app: App): string {
  if (channel_name === undefined || channel_name === '') throw new AuthRefusal('channel_name_missing');
  if (typeof channel_name !== 'string')
    throw new AuthRefusal('channel_name_invalid', 'channel_name stands more than once');
  attempt.channel = printable(channel_name);
  const problem = channelNameProblem(channel_name, app.limits.maxChannelNameLength);
  if (problem !== undefined) throw new AuthRefusal('channel_name_invalid', problem);
  const { access, serverToUser } = channelKind(channel_name);
  if (access === 'public' || serverToUser) throw new AuthRefusal('channel_not_guarded');
  return channel_name;
}
