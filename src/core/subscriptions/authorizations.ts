import { ERROR_CODES } from '../../protocol/error-codes.ts';
import type { Close } from '../connection/close.ts';
import type { Connection } from '../connection/connection.ts';
import { Deadline } from '../connection/deadline.ts';
import { inSlices } from '../connection/in-slices.ts';
import { NODE_TURNS } from '../connection/node-turns.ts';
import { whenReachable } from '../connection/when-reachable.ts';
import type { App } from '../contracts/app.ts';
import type { Current } from '../contracts/current.ts';
import { isTokenRevoked, type Revocations } from '../contracts/revocations.ts';
import type { Identity } from './channel-data.ts';
import type { LocalTokens } from './local-tokens.ts';
import type { LocalUsers } from './local-users.ts';

export interface ExpirySettings {
  /** Close a connection with 4200 when a token ends that one of its signatures was given for. */
  readonly closeOnTokenExpiry: boolean;
  /** How long after its end a token is still taken, since clocks differ: by the authorization endpoint too. */
  readonly tokenToleranceSeconds: number;
  /** How long a user's tokens stay revoked, and a token whose end nobody has named; 0: a user's are not. */
  readonly revocationSeconds: number;
}

export interface AuthorizationsDependencies {
  readonly users: LocalUsers;
  readonly tokens: LocalTokens;
  readonly revocations: Revocations;
  /** Called once for each connection, when a valid signature has first been given. */
  readonly authorized: (connection: Connection) => void;
  readonly close: Close;
  readonly settings: Current<ExpirySettings>;
}

/** Why a signature counts no more, for a client that could otherwise come back and be closed without end. */
export const TOKEN_EXPIRED = 'The token has expired: the client needs a new one before it is authorized again';
export const TOKEN_REVOKED = 'The token was revoked: the client needs a new one before it is authorized again';

/** What a client is closed with whose token was revoked: it comes back at once, and asks for its channels anew. */
export const REVOKED = { ...ERROR_CODES.reconnect, message: 'The token was revoked' };
/** The same after a second, so that a token issued meanwhile is newer than the revocation: they tell whole seconds. */
export const ALL_REVOKED = { ...ERROR_CODES.overCapacity, message: "The user's tokens were revoked" };

/** What a connection has been allowed by valid signatures: whom they named, by which token, and until when. */
export class Authorizations {
  readonly #deps: AuthorizationsDependencies;

  constructor(dependencies: AuthorizationsDependencies) {
    this.#deps = dependencies;
  }

  /** Whether the token of a signature has ended. */
  isExpired(identity: Identity | undefined): boolean {
    const endMs = this.#endMs(identity);
    return endMs !== undefined && endMs <= Date.now();
  }

  /**
   * A valid signature has been given. False if its token was revoked: then it allows nothing.
   *
   * @param identity whom it named, if anyone
   */
  async granted(connection: Connection, identity: Identity | undefined): Promise<boolean> {
    if (identity !== undefined && !(await this.#holds(connection, identity))) return false;
    if (!connection.authorized) {
      connection.authorized = true;
      this.#deps.authorized(connection);
    }
    clearTimeout(connection.authorizationTimer);
    const endMs = this.#endMs(identity);
    // The shared state may have been waited for: a connection that has gone needs no deadline.
    if (endMs === undefined || connection.closed) return true;
    // The latest token counts: a client that renews its token keeps its connection.
    connection.expiry ??= new Deadline();
    connection.expiry.set(endMs, () => this.#expired(connection));
    return true;
  }

  /** A backend may have tokens end at the full hour: then thousands are closed, and come back, in their turns. */
  #expired(connection: Connection): void {
    const close = () => {
      this.#deps.close(connection, { ...ERROR_CODES.reconnect, message: 'The token has expired' });
    };
    const turn = NODE_TURNS.take();
    if (turn === undefined) close();
    else void turn.then(close);
  }

  /** For a connection that is gone. */
  async forget(connection: Connection): Promise<void> {
    await this.#deps.tokens.removeAll(connection);
    await this.#deps.users.removeAll(connection);
  }

  /** Closes a user's connections on every node for good, and revokes the tokens that the user has. */
  async terminate(app: App, userId: string): Promise<void> {
    await this.#revokeUser(app, userId);
    await this.#deps.users.terminate(app, userId);
  }

  /** Revokes the tokens that a user has; clients come back by themselves, and need a new one. */
  async revokeUser(app: App, userId: string): Promise<void> {
    await this.#revokeUser(app, userId);
    await this.#deps.users.renew(app, userId);
  }

  /** Revokes one token, until its end. @param expiresAt unix seconds; undefined if nobody knows */
  async revokeToken(app: App, tokenId: string, expiresAt: number | undefined): Promise<void> {
    const { revocations, tokens, settings } = this.#deps;
    const { revocationSeconds, tokenToleranceSeconds } = settings();
    const endSeconds = expiresAt ?? Date.now() / 1000 + revocationSeconds;
    await revocations.revoke(app.id, { tokenId }, (endSeconds + tokenToleranceSeconds) * 1000);
    await tokens.revoke(app.id, tokenId);
  }

  /** Orders may have been missed: what was revoked meanwhile is looked up. */
  async restored(connections: Iterable<Connection>): Promise<void> {
    const { revocations, close } = this.#deps;
    await inSlices([...connections], async (connection) => {
      await whenReachable(connection, async () => {
        for (const token of connection.tokens.values()) {
          if (await isTokenRevoked(revocations, connection.app.id, token)) close(connection, REVOKED);
        }
      });
    });
  }

  async #revokeUser(app: App, userId: string): Promise<void> {
    const { revocations, settings } = this.#deps;
    const { revocationSeconds, tokenToleranceSeconds } = settings();
    if (revocationSeconds === 0) return;
    const endMs = Date.now() + (revocationSeconds + tokenToleranceSeconds) * 1000;
    await revocations.revoke(app.id, { userId }, endMs);
  }

  /** Orders about the user and the token find the connection before it is asked whether there were any. */
  async #holds(connection: Connection, identity: Identity): Promise<boolean> {
    const { users, tokens, revocations } = this.#deps;
    const { userId, token } = identity;
    if (!connection.userIds.has(userId)) await users.add(connection, userId);
    const before = connection.tokens.get(userId);
    if (token.tokenId === undefined && token.issuedAt === undefined) return true;
    if (before?.tokenId === token.tokenId && before?.issuedAt === token.issuedAt) return true;
    const [former, added] = before?.tokenId === token.tokenId ? [] : [before?.tokenId, token.tokenId];
    if (added !== undefined) await tokens.add(connection, added);
    let isRevoked = true;
    try {
      isRevoked = await isTokenRevoked(revocations, connection.app.id, token);
    } finally {
      // One that was not asked about, or is revoked, leaves the connection with the token that it had.
      if (isRevoked && added !== undefined) await tokens.remove(connection, added);
    }
    if (isRevoked) return false;
    connection.tokens.set(userId, token);
    if (former !== undefined) await tokens.remove(connection, former);
    return true;
  }

  /** When a signature's token ends, if that is to be looked at. */
  #endMs(identity: Identity | undefined): number | undefined {
    const { closeOnTokenExpiry, tokenToleranceSeconds } = this.#deps.settings();
    if (!closeOnTokenExpiry || identity?.expiresAt === undefined) return undefined;
    return (identity.expiresAt + tokenToleranceSeconds) * 1000;
  }
}
