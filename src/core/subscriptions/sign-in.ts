import { counted } from '../../protocol/counted.ts';
import { ERROR_CODES } from '../../protocol/error-codes.ts';
import { dataObject, encodeSigninSuccess, encodeWatchlistEvents } from '../../protocol/frames.ts';
import { isAuthValid, userSignature } from '../../protocol/signatures.ts';
import type { Connection } from '../connection/connection.ts';
import { whenReachable } from '../connection/when-reachable.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Roster } from '../contracts/roster.ts';
import { watchTopic } from '../contracts/topic.ts';
import type { UserStatuses } from '../contracts/user-status.ts';
import type { LocalTopics } from '../delivery/local-topics.ts';
import { type Authorizations, TOKEN_EXPIRED, TOKEN_REVOKED } from './authorizations.ts';
import { readUserData, type UserData } from './channel-data.ts';

export interface SignInDependencies {
  readonly roster: Roster;
  readonly statuses: UserStatuses;
  readonly topics: LocalTopics;
  readonly logger: Logger;
  readonly authorizations: Authorizations;
}

/** Signing in, and watching who else is online. (Channels docs: user authentication, watchlist events) */
export class SignIn {
  readonly #deps: SignInDependencies;

  constructor(dependencies: SignInDependencies) {
    this.#deps = dependencies;
  }

  async signIn(connection: Connection, rawData: unknown): Promise<void> {
    const { app } = connection;
    const data = dataObject(rawData);
    const auth = data?.auth;
    const raw = data?.user_data;
    if (typeof auth !== 'string' || typeof raw !== 'string') {
      this.#refuse(connection, 'pusher:signin needs data with "auth" and "user_data", both strings');
      return;
    }
    if (!isAuthValid(auth, app.key, userSignature(app.secret, connection.socketId, raw))) {
      const signed = "HMAC-SHA256 hex of socket_id::user::user_data by the app's secret";
      this.#refuse(connection, `Invalid signature: expected ${app.key}: and ${signed}`);
      return;
    }
    const user = readUserData(raw, app.limits);
    if ('problem' in user) {
      this.#refuse(connection, user.problem);
      return;
    }
    if (this.#deps.authorizations.isExpired(user)) {
      this.#refuse(connection, TOKEN_EXPIRED);
      return;
    }
    if (connection.user !== undefined && connection.user.id !== user.userId) {
      this.#refuse(connection, 'The connection has already signed in as another user');
      return;
    }
    let holds = false;
    await whenReachable(connection, async () => {
      holds = await this.#deps.authorizations.granted(connection, user);
    });
    if (connection.closed) return;
    if (!holds) {
      this.#refuse(connection, TOKEN_REVOKED);
      return;
    }
    if (connection.user !== undefined) {
      connection.send(encodeSigninSuccess(raw));
      return;
    }
    const watchlist = user.watchlist.slice(0, app.limits.maxWatchlist);
    const watchTopics: string[] = [];
    connection.user = { id: user.userId, info: user.info, watchTopics };
    await whenReachable(connection, () => this.#enter(connection, user, watchlist, watchTopics));
    if (connection.closed) return;
    connection.send(encodeSigninSuccess(raw));
    this.#deps.logger.debug({ appId: app.id, socketId: connection.socketId, userId: user.userId }, 'signed in');
    if (user.watchlist.length > watchlist.length) {
      const { code, message } = ERROR_CODES.watchlistLimit;
      connection.sendError(code, `${message} of ${counted(app.limits.maxWatchlist, 'user')}: the rest is not watched`);
    }
    if (watchlist.length > 0) await whenReachable(connection, () => this.#watch(connection, watchlist, watchTopics));
  }

  /** For a connection that is gone. */
  async signOut(connection: Connection): Promise<void> {
    const { user, app } = connection;
    if (user === undefined) return;
    connection.user = undefined;
    try {
      await this.#deps.roster.signOut(app.id, user.id, connection.socketId);
    } finally {
      for (const topic of user.watchTopics) await this.#deps.topics.release(topic);
    }
  }

  /** Can be repeated after a failure in its middle: `watchTopics` says how far it came. */
  async #enter(
    connection: Connection,
    user: UserData,
    watchlist: readonly string[],
    watchTopics: string[],
  ): Promise<void> {
    const { roster, topics, statuses } = this.#deps;
    const { app } = connection;
    // Before the coming is told.
    if (app.statusChannels.length > 0) await statuses.remember(app.id, user.userId, user.statusChannels);
    await roster.signIn(app.id, user.userId, connection.socketId);
    for (const id of watchlist.slice(watchTopics.length)) {
      const topic = watchTopic(app.id, id);
      await topics.acquire(topic);
      watchTopics.push(topic);
    }
  }

  /** The socket joins before it asks, so that it misses no change: being told of one twice does no harm. */
  async #watch(connection: Connection, watchlist: readonly string[], watchTopics: readonly string[]): Promise<void> {
    for (const topic of watchTopics) connection.socket.join(topic);
    const online = await this.#deps.roster.online(connection.app.id, watchlist);
    if (online.length > 0) connection.send(encodeWatchlistEvents('online', online));
  }

  #refuse(connection: Connection, message: string): void {
    connection.sendError(ERROR_CODES.unauthorized.code, message);
    this.#deps.logger.warn(
      { appId: connection.app.id, socketId: connection.socketId, ip: connection.ip, reason: message },
      'sign-in refused',
    );
  }
}
