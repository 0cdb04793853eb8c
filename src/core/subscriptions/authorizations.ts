import { ERROR_CODES } from '../../protocol/error-codes.ts';
import type { Close } from '../connection/close.ts';
import type { Connection } from '../connection/connection.ts';
import { Deadline } from '../connection/deadline.ts';
import type { Identity } from './channel-data.ts';
import type { LocalUsers } from './local-users.ts';

/** What a connection has been allowed by valid signatures: whom they named, and until when. */
export class Authorizations {
  readonly #users: LocalUsers;
  readonly #close: Close;
  readonly #closeOnTokenExpiry: boolean;

  constructor(users: LocalUsers, close: Close, closeOnTokenExpiry: boolean) {
    this.#users = users;
    this.#close = close;
    this.#closeOnTokenExpiry = closeOnTokenExpiry;
  }

  /** A valid signature has been given. @param identity whom it named, if anyone */
  async granted(connection: Connection, identity: Identity | undefined): Promise<void> {
    connection.authorized = true;
    clearTimeout(connection.authorizationTimer);
    if (identity === undefined) return;
    if (!connection.userIds.has(identity.userId)) await this.#users.add(connection, identity.userId);
    // The shared state may have been waited for: a connection that has gone needs no deadline.
    if (!this.#closeOnTokenExpiry || identity.expiresAt === undefined || connection.closed) return;
    // The latest token counts: a client that renews its token keeps its connection.
    connection.expiry ??= new Deadline();
    connection.expiry.set(identity.expiresAt * 1000, () => {
      this.#close(connection, { ...ERROR_CODES.reconnect, message: 'The token has expired' });
    });
  }
}
