import type { ErrorCode } from '../../protocol/error-codes.ts';
import type { App } from './app.ts';

/** A token that came in a connection's query. */
export interface AskedByToken {
  readonly app: App;
  readonly socketId: string;
  readonly token: string;
  readonly ip: string;
}

/** What a client would be given to sign in with, or the code to refuse it with. Never rejects. */
export type CheckToken = (
  asked: AskedByToken,
) => Promise<{ readonly signed: { readonly auth: string; readonly user_data: string } } | ErrorCode>;
