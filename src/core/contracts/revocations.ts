/** What a token says of itself, as far as revoking it goes. */
export interface TokenFacts {
  readonly userId: string;
  /** The claim `jti`; undefined if it has none. */
  readonly tokenId: string | undefined;
  /** The claim `iat`, unix seconds; undefined if it has none. */
  readonly issuedAt: number | undefined;
}

/** One token, or all that a user was issued until now. */
export type Revoked = { readonly tokenId: string } | { readonly userId: string };

/** A token's id may be as long; a longer one cannot be revoked. */
export const MAX_TOKEN_ID_CHARACTERS = 255;

/** For each app. Beyond that the one that would end the soonest is forgotten, and the log says so. */
export const MAX_REVOCATIONS = 100_000;

/**
 * Which tokens are refused although they are signed and have not ended, on all nodes. Each is kept until the token
 * would have ended. Calls reject with BrokerUnavailable.
 */
export interface Revocations {
  /** @param untilMs when it ends; an earlier end than one that is kept already changes nothing */
  revoke(appId: string, revoked: Revoked, untilMs: number): Promise<void>;
  /** Unix seconds: when it was revoked last; undefined if that has ended, or never was. */
  revokedAt(appId: string, revoked: Revoked): Promise<number | undefined>;
}

/**
 * Whether a token is refused. A user's tokens are those issued in the second of the revocation or before; one that does
 * not say when it was issued can be revoked by its id alone, since it cannot be told from a newer one.
 */
export async function isTokenRevoked(revocations: Revocations, appId: string, token: TokenFacts): Promise<boolean> {
  const { userId, tokenId, issuedAt } = token;
  const [ofToken, ofUser] = await Promise.all([
    tokenId === undefined ? undefined : revocations.revokedAt(appId, { tokenId }),
    issuedAt === undefined ? undefined : revocations.revokedAt(appId, { userId }),
  ]);
  return ofToken !== undefined || (ofUser !== undefined && issuedAt !== undefined && issuedAt <= ofUser);
}

/** The claims `jti` and `iat` of a token, or what a signature tells of them. */
export function tokenFacts(userId: string, jti: unknown, iat: unknown): TokenFacts {
  const isId = typeof jti === 'string' && jti !== '' && jti.length <= MAX_TOKEN_ID_CHARACTERS;
  return {
    userId,
    tokenId: isId ? jti : undefined,
    issuedAt: typeof iat === 'number' && Number.isFinite(iat) ? iat : undefined,
  };
}

/** What names it in the store. */
export function revokedName(revoked: Revoked): string {
  return 'tokenId' in revoked ? `token:${revoked.tokenId}` : `user:${revoked.userId}`;
}
