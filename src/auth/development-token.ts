import { SignJWT } from 'jose';

export interface DevelopmentToken {
  /** The JWT secret of the server's settings. */
  readonly secret: string;
  readonly user: string;
  /** Default `sub`. */
  readonly userIdClaim?: string | undefined;
  /** Default one hour; 0: the token does not expire. */
  readonly expiresInSeconds?: number | undefined;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  /** What the shipped rules read. */
  readonly domains?: ReadonlyArray<string | number> | undefined;
  readonly chats?: ReadonlyArray<string | number> | undefined;
  readonly admin?: boolean | undefined;
  readonly name?: string | undefined;
  /** Anything else that a team's own rules read. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

/** An HS256 token for trying things out: what `fanfare token` prints. A team's backend signs its own. */
export function signDevelopmentToken(token: DevelopmentToken): Promise<string> {
  const { domains, chats, admin, name } = token;
  const jwt = new SignJWT({
    ...token.claims,
    ...defined({ domains, chats, admin, name }),
    [token.userIdClaim ?? 'sub']: token.user,
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt();
  const expiresInSeconds = token.expiresInSeconds ?? 3600;
  if (expiresInSeconds !== 0) jwt.setExpirationTime(Math.floor(Date.now() / 1000) + expiresInSeconds);
  if (token.issuer !== undefined) jwt.setIssuer(token.issuer);
  if (token.audience !== undefined) jwt.setAudience(token.audience);
  return jwt.sign(new TextEncoder().encode(token.secret));
}

function defined(claims: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}
