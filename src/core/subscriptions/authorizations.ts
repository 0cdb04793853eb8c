import { ERROR_CODES } from '../../protocol/error-codes.ts';
import type { Close } from '../connection/close.ts';
import type { Connection } from '../connection/connection.ts';
import { Deadline } from '../connection/deadline.ts';
import type { Identity } from './channel-data.ts';
import type { LocalUsers } from './local-users.ts';

export interface ExpirySettings {
  /** Close a connection with 4200 when a token ends that one of its signatures was given for. */
  readonly closeOnTokenExpiry: boolean;
  /** How long after its end a token is still taken, since clocks differ: by the authorization endpoint too. */
  readonly tokenToleranceSeconds: number;
}

/** Why a signature counts no more, for a client that could otherwise come back and be closed without end. */
export const TOKEN_EXPIRED = 'The token has expired: the client needs a new one before it is authorized again';

/** What a connection has been allowed by valid signatures: whom they named, and until when. */
export class Authorizations {
  readonly #users: LocalUsers;
  readonly #close: Close;
  readonly #settings: ExpirySettings;

  constructor(users: LocalUsers, close: Close, settings: ExpirySettings) {
    this.#users = users;
    this.#close = close;
    this.#settings = settings;
  }

  /** Whether the token of a signature has ended. */
  isExpired(identity: Identity | undefined): boolean {
    const endMs = this.#endMs(identity);
    return endMs !== undefined && endMs <= Date.now();
  }

  /** A valid signature has been given. @param identity whom it named, if anyone */
  async granted(connection: Connection, identity: Identity | undefined): Promise<void> {
    connection.authorized = true;
    clearTimeout(connection.authorizationTimer);
    if (identity === undefined) return;
    if (!connection.userIds.has(identity.userId)) await this.#users.add(connection, identity.userId);
    const endMs = this.#endMs(identity);
    // The shared state may have been waited for: a connection that has gone needs no deadline.
    if (endMs === undefined || connection.closed) return;
    // The latest token counts: a client that renews its token keeps its connection.
    connection.expiry ??= new Deadline();
    connection.expiry.set(endMs, () => {
      this.#close(connection, { ...ERROR_CODES.reconnect, message: 'The token has expired' });
    });
  }

  /** When a signature's token ends, if that is to be looked at. */
  #endMs(identity: Identity | undefined): number | undefined {
    const { closeOnTokenExpiry, tokenToleranceSeconds } = this.#settings;
    if (!closeOnTokenExpiry || identity?.expiresAt === undefined) return undefined;
    return (identity.expiresAt + tokenToleranceSeconds) * 1000;
  }
}
