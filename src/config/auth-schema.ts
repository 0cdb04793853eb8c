import { z } from 'zod';
import { ASYMMETRIC_ALGORITHMS, HMAC_ALGORITHMS, isAlgorithm } from '../auth/algorithms.ts';
import {
  count,
  flag,
  list,
  optionalList,
  optionalText,
  seconds,
  section,
  settings,
  textWithDefault,
} from './setting.ts';

const name = z.string('must be a text that is not empty').regex(/\S/, 'must be a text that is not empty');

const ALGORITHM_RULE = `must be one of ${[...HMAC_ALGORITHMS, ...ASYMMETRIC_ALGORITHMS].join(', ')}`;
// What is wrong with `none` has a sentence of its own.
const algorithm = z
  .string(ALGORITHM_RULE)
  .refine((value) => isAlgorithm(value) || value.toLowerCase() === 'none', ALGORITHM_RULE);

const jwtSchema = section(
  'How the tokens of users are verified. Set exactly one of secret, publicKey, publicKeyFile and jwksUrl.',
  {
    secret: optionalText('Verifies HS256, HS384 and HS512; at least 32 bytes, taken as UTF-8.', {
      secret: true,
      environment: ['JWT_SECRET'],
      defaultNote: 'a published one in development',
    }),
    publicKey: z
      .string('must be a public key')
      .regex(/\S/, 'must be a public key')
      // An environment file holds a PEM in one line.
      .transform((written) => (written.startsWith('-----BEGIN') ? written.replaceAll('\\n', '\n') : written))
      .optional()
      .transform((value) => value)
      .register(settings, {
        description: 'A public key in PEM (its lines may be joined by `\\n`), an X.509 certificate in PEM, or a JWK.',
        kind: 'text',
        environment: ['JWT_PUBLIC_KEY'],
      }),
    publicKeyFile: optionalText('A file that holds such a public key.'),
    jwksUrl: optionalText('An http or https address of a JSON Web Key Set.', { environment: ['JWT_JWKS_URL'] }),
    issuer: list('Accepted `iss` values; none listed: any.', name, { environment: ['JWT_ISSUER'] }),
    audience: list('Accepted `aud` values, one of which the token must have; none listed: any.', name, {
      environment: ['JWT_AUDIENCE'],
    }),
    algorithms: optionalList('Accepted `alg` values, such as `RS256`; never `none`.', algorithm, {
      defaultNote: 'all that the key is made for',
    }),
    userIdClaim: textWithDefault(
      "The claim that holds the user's id.",
      'sub',
      /\S/,
      'must be a text that is not empty',
    ),
    clockToleranceSeconds: seconds('How far `exp` and `nbf` may be off.', 5, { max: 3600 }),
    jwksCacheSeconds: seconds('How long a fetched key set is used.', 600),
    jwksCooldownSeconds: seconds('The shortest time between two fetches because of an unknown `kid`.', 30),
    jwksTimeoutSeconds: seconds('How long one fetch of the key set may take.', 5, { min: 0.1, max: 60 }),
  },
);

/** `auth`. */
export const authSchema = section('The authorization endpoint, `/broadcasting/auth` and `/broadcasting/user-auth`.', {
  enabled: flag('Serve it. Without it, your own backend authorizes channels.', true),
  appId: optionalText('The app that is signed for if a request names none.', { defaultNote: 'the only app' }),
  rulesFile: textWithDefault(
    'The module with the rules: who may join which channel. `config/channels.mjs` is found as well; in development, without either, ' +
      'the rules that Fanfare ships hold.',
    'config/channels.js',
    /\S/,
    'must be a file name',
  ),
  ruleTimeoutSeconds: seconds('How long one rule may take; one that takes longer counts as a no.', 5, {
    min: 0.1,
    max: 60,
  }),
  signChannelData: flag(
    "Put the user's id and the token's expiry into a signed `channel_data` on every guarded channel. By it the server lists who is connected, and knows whom to disconnect.",
    true,
  ),
  closeOnTokenExpiry: flag('Close a connection when a token that it was authorized with expires.', false),
  revocationSeconds: seconds(
    "How long a user's tokens stay revoked, after `terminate_connections` for instance: as long as your tokens live. 0: not at all.",
    86_400,
  ),
  maxFailuresPerMinute: count(
    'Requests a minute from one address, or /64 of IPv6, with a token that nobody has signed; 0: no limit. Over it, the address is refused with 429.',
    1000,
  ),
  failureBlockSeconds: seconds('How long such an address is refused.', 60, { min: 1, max: 86_400 }),
  cookieName: optionalText('Take the token from this cookie if there is no `Authorization: Bearer`.', {
    defaultNote: 'no cookie',
  }),
  jwt: jwtSchema,
});
