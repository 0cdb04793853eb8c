import { signDevelopmentToken } from '../auth/index.ts';
import type { Config } from '../config/schema.ts';
import { CliFailure } from './context.ts';

/** Who the token is for, as the flags of `token` and `listen` say it. */
export interface TokenFlags {
  readonly user: string;
  readonly domains?: readonly string[];
  readonly chats?: readonly string[];
  readonly role?: string;
  readonly name?: string;
  readonly claim?: Readonly<Record<string, unknown>>;
  /** 0: it does not expire. */
  readonly expires?: number;
}

/** Signs a token that this configuration accepts; only possible if it verifies by a secret. */
export async function signUserToken(config: Config, flags: TokenFlags): Promise<string> {
  const { jwt } = config.auth;
  if (jwt.secret === undefined) {
    const key = jwt.jwksUrl !== undefined ? 'auth.jwt.jwksUrl' : 'auth.jwt.publicKey';
    throw new CliFailure(
      `Tokens are verified by ${key}, so only the holder of the private key can sign one. ` +
        'Get a token from whoever issues them, or set JWT_SECRET on a server of your own to try things out.',
    );
  }
  const decided = {
    [jwt.userIdClaim]: '--user',
    ...(flags.expires === 0 ? {} : { exp: '--expires' }),
    ...(jwt.issuer[0] === undefined ? {} : { iss: 'auth.jwt.issuer' }),
    ...(jwt.audience[0] === undefined ? {} : { aud: 'auth.jwt.audience' }),
  };
  for (const [name, by] of Object.entries(decided)) {
    if (Object.hasOwn(flags.claim ?? {}, name)) throw new CliFailure(`--claim cannot set ${name}: ${by} does`);
  }
  return signDevelopmentToken({
    secret: jwt.secret,
    user: flags.user,
    userIdClaim: jwt.userIdClaim,
    issuer: jwt.issuer[0],
    audience: jwt.audience[0],
    expiresInSeconds: flags.expires,
    domains: flags.domains,
    chats: flags.chats,
    name: flags.name,
    claims: { ...flags.claim, ...(flags.role === undefined ? {} : { role: flags.role }) },
  });
}
