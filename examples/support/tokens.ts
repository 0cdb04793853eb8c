import { type JWTPayload, jwtVerify, SignJWT } from 'jose';

const HOUR = '1h';

/** What a login gives a user: the token that Fanfare verifies, and this backend too. */
export async function signToken(secret: string, claims: JWTPayload): Promise<string> {
  const jwt = new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setIssuedAt().setExpirationTime(HOUR);
  return await jwt.sign(new TextEncoder().encode(secret));
}

/** The claims of `Authorization: Bearer …`, or undefined if it holds no valid token. */
export async function verifyToken(secret: string, authorization: string): Promise<JWTPayload | undefined> {
  const token = /^Bearer (\S+)$/.exec(authorization)?.[1];
  if (token === undefined) return undefined;
  try {
    const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), { algorithms: ['HS256'] });
    return payload;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
