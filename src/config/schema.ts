import { z } from 'zod';
import { ASYMMETRIC_ALGORITHMS, HMAC_ALGORITHMS, isAlgorithm } from '../auth/algorithms.ts';
import type { App } from '../core/app.ts';
import {
  addressOrRange,
  choice,
  count,
  flag,
  list,
  optionalList,
  optionalText,
  seconds,
  section,
  settings,
  size,
  text,
  textWithDefault,
} from './setting.ts';

const KB = 1024;
const MB = 1024 * KB;

/** `https://chat.example.com`, `https://*.example.com`, `http://localhost:5173`. */
const ORIGIN = /^(?:\*|[a-z][a-z0-9+.-]*:\/\/[^/\s,]+)$/i;

const name = z.string('must be a text that is not empty').regex(/\S/, 'must be a text that is not empty');

const ALGORITHM_RULE = `must be one of ${[...HMAC_ALGORITHMS, ...ASYMMETRIC_ALGORITHMS].join(', ')}`;
// What is wrong with `none` has a sentence of its own.
const algorithm = z
  .string(ALGORITHM_RULE)
  .refine((value) => isAlgorithm(value) || value.toLowerCase() === 'none', ALGORITHM_RULE);

const limitsSchema = section(
  'What the clients and backends of the app may do, and how much. A count of 0 means no limit only where it says so.',
  {
    maxConnections: count(
      'Connections at once in the whole cluster; 0: no limit. A client over it is refused with 4004.',
      0,
    ),
    maxChannelNameLength: count('Characters of a channel name.', 200, { min: 1, max: 10_000 }),
    maxEventNameLength: count('Characters of an event name.', 200, { min: 1, max: 10_000 }),
    maxEventBytes: size("Of an event's data, in bytes of UTF-8. A larger one is refused with 413.", 100 * KB, {
      min: 1,
      max: 64 * MB,
    }),
    maxChannelsPerEvent: count('Channels that one event may be triggered on.', 100, { min: 1, max: 10_000 }),
    maxBatchEvents: count('Events of one batch.', 10, { min: 1, max: 10_000 }),
    maxPresenceMembers: count('Members of one presence channel.', 100, { min: 1 }),
    maxPresenceMemberBytes: size("Of one presence member's `user_info`, in bytes of JSON.", KB, { min: 2, max: MB }),
    maxUserIdLength: count('Characters of a user id.', 128, { min: 1, max: 10_000 }),
    maxWatchlist: count('Users that a signed-in user may watch.', 100, { min: 0, max: 10_000 }),
    maxChannelsPerConnection: count('Channels that one connection may be subscribed to; 0: no limit.', 0),
    clientEventsPerSecond: count('Client events of each connection; 0: no limit. Over it: `pusher:error` 4301.', 10),
    triggersPerSecond: count(
      'Events that backends may trigger in a second, each event of a batch counted; 0: no limit. Over it: 429.',
      0,
    ),
    readsPerSecond: count('GET requests to the HTTP API in a second; 0: no limit. Over it: 429.', 0),
  },
);

const rewindRuleSchema = z.strictObject(
  {
    channels: text(
      "A channel's full name, or its beginning and `*`.",
      /^(?:[A-Za-z0-9_\-=@,.;]+\*?|\*)$/,
      'must be the name of a channel, or its beginning and *',
    ),
    events: count('At most so many events.', 50, { min: 1, max: 1000 }),
    seconds: seconds('Events older than this are left out.', 120, { min: 1 }),
  },
  'must be an object',
);

const appSchema = z.strictObject(
  {
    id: text(
      'In the paths of the HTTP API: `/apps/{id}/events`.',
      /^[^/\s?#]+$/,
      'must be a text without spaces, /, ? and #',
      {
        environment: ['PUSHER_APP_ID'],
        defaultNote: '`app-id` in development',
      },
    ),
    key: text('What clients connect with. Public.', /^[^/\s?#:]+$/, 'must be a text without spaces, /, ?, # and :', {
      environment: ['PUSHER_APP_KEY'],
      defaultNote: '`app-key` in development',
    }),
    secret: text('What backends and the authorization endpoint sign with.', /\S/, 'must be a text that is not empty', {
      secret: true,
      environment: ['PUSHER_APP_SECRET'],
      defaultNote: 'a published one in development',
    }),
    enabled: flag('A disabled app refuses its clients with 4003.', true),
    tlsOnly: flag('Refuse clients that connect without TLS, with 4000: pusher-js then switches to TLS.', false),
    allowedOrigins: list(
      'Origins of pages that may connect, such as `https://chat.example.com` or `https://*.example.com`; none listed: any.',
      z
        .string('must be an origin, such as https://chat.example.com')
        .regex(ORIGIN, 'must be an origin without a path, such as https://chat.example.com'),
    ),
    clientEvents: flag(
      'Clients may send `client-…` events to private and presence channels that they are subscribed to.',
      true,
    ),
    subscriptionCount: flag('Tell subscribers how many they are (`pusher_internal:subscription_count`).', false),
    unauthorizedTimeoutSeconds: seconds(
      'A client that by then has neither signed in nor joined a guarded channel is closed with 4009; 0: never.',
      0,
    ),
    encryptionMasterKey: z
      .string('must be 32 bytes in base64')
      .transform((written, context) => {
        const bytes = /^[A-Za-z0-9+/]{43}=$/.test(written) ? new Uint8Array(Buffer.from(written, 'base64')) : undefined;
        if (bytes !== undefined) return bytes;
        context.addIssue({
          code: 'custom',
          message: 'must be 32 bytes in base64; openssl rand -base64 32 prints such a key',
        });
        return z.NEVER;
      })
      .optional()
      .transform((value) => value)
      .register(settings, {
        description: '32 bytes in base64: what the shared secrets of `private-encrypted-` channels are derived from.',
        kind: 'text',
        secret: true,
      }),
    rewind: z.array(rewindRuleSchema, 'must be a list of objects').default([]).register(settings, {
      description:
        'Channels whose last events are sent to whoever subscribes, numbered from 0. The first rule that a channel comes under holds.',
    }),
    limits: limitsSchema,
  },
  'must be an object',
);

const jwtSchema = section(
  'How the tokens of users are verified. Exactly one of secret, publicKey, publicKeyFile and jwksUrl says with what.',
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
    jwksCacheSeconds: seconds('A fetched key set is used for this long.', 600),
    jwksCooldownSeconds: seconds('An unknown `kid` causes no further fetch sooner than this.', 30),
    jwksTimeoutSeconds: seconds('Of one fetch of the key set.', 5, { min: 0.1, max: 60 }),
  },
);

const resumeSchema = section(
  'What clients miss while they are away, for those that connect with a `wsPath` of `/resume/{token}`.',
  {
    windowSeconds: count('How long a client may be away and miss nothing.', 120, { min: 10, max: 86_400 }),
    maxEventsPerChannel: count('Events of one channel that are kept for that.', 1000, { min: 1, max: 100_000 }),
    maxBytesPerChannel: size(
      'Bytes of one channel that are kept for that; at most half of `connections.maxBackpressureBytes`.',
      512 * KB,
      {
        min: KB,
        max: 512 * MB,
      },
    ),
    ackIntervalSeconds: count(
      'Between two pings that ask what a client has received; none are sent while nothing is.',
      5,
      {
        min: 1,
        max: 300,
      },
    ),
    checkpointSeconds: count(
      "Between two savings of what a connected client has received, for the case of this node's crash.",
      10,
      {
        min: 1,
        max: 300,
      },
    ),
    sessionSeconds: count(
      'A client that comes back within so long, but too late, is told that it has missed something.',
      86_400,
      {
        min: 10,
        max: 30 * 86_400,
      },
    ),
  },
);

const authSchema = section('The authorization endpoint, `/broadcasting/auth` and `/broadcasting/user-auth`.', {
  enabled: flag('Serve it. Without it, your own backend authorizes channels.', true),
  appId: optionalText('The app that is signed for where a request names none.', { defaultNote: 'the only app' }),
  rulesFile: textWithDefault(
    'The module with the rules: who may join which channel.',
    'config/channels.js',
    /\S/,
    'must be a file name',
  ),
  ruleTimeoutSeconds: seconds('Of one rule; a rule that takes longer is a no.', 5, { min: 0.1, max: 60 }),
  signChannelData: flag(
    "Tell the server the user's id and the token's expiry on every guarded channel, by a signed `channel_data`; it lists who is connected by it.",
    true,
  ),
  closeOnTokenExpiry: flag('Close connections when the token expires that they were authorized with.', false),
  cookieName: optionalText('Take the token from this cookie where there is no `Authorization: Bearer`.', {
    defaultNote: 'no cookie',
  }),
  jwt: jwtSchema,
});

const tlsSchema = z
  .strictObject(
    {
      certFile: text('The certificate chain, in PEM.', /\S/, 'must be a file name'),
      keyFile: text('The private key, in PEM.', /\S/, 'must be a file name'),
      caFile: optionalText('Certificate authorities, in PEM.'),
      passphrase: optionalText('Of the private key.', { secret: true }),
    },
    'must be an object',
  )
  .optional()
  .transform((value) => value)
  .register(settings, {
    description:
      'Serve wss and https by certificate files. Absent: plain ws and http, as behind a proxy that ends TLS.',
  });

/** The whole configuration. Closed: a key that is not here is an error. */
export const configSchema = z
  .strictObject(
    {
      host: textWithDefault('The address to listen on.', '0.0.0.0', /^\S+$/, 'must be an address or a host name'),
      port: count('The port to listen on; 0 lets the system choose one.', 6001, { max: 65_535 }),
      pathPrefix: textWithDefault(
        'In front of every path, such as `/realtime`.',
        '',
        /^(?:\/[A-Za-z0-9._~-]+)*$/,
        'must be empty or begin with / and not end with it, such as /realtime',
      ),
      trustedProxies: list(
        'Addresses or ranges of proxies whose `X-Forwarded-For` is believed; none listed: no proxy is.',
        addressOrRange,
      ),
      shutdownGraceSeconds: seconds('Of a stop: how long connections get to go elsewhere.', 10, { max: 3600 }),
      tls: tlsSchema,
      log: section('Logs are JSON lines on stdout.', {
        level: choice(
          'The least level that is logged.',
          ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
          'info',
        ),
      }),
      connections: section('Client connections, whichever app they are of.', {
        max: count('Connections at once on this node; 0: no limit.', 0),
        maxPerIp: count('Connections at once of one client address on this node; 0: no limit.', 0),
        activityTimeoutSeconds: count('Told to clients: after so long without a message they ping.', 120, {
          min: 1,
          max: 3600,
        }),
        pingIntervalSeconds: count('The server pings a connection that was silent for so long.', 30, {
          min: 1,
          max: 3600,
        }),
        pongTimeoutSeconds: count('A connection that by then has not answered is closed with 4201.', 15, {
          min: 1,
          max: 3600,
        }),
        maxBackpressureBytes: size(
          'What may wait unsent for one connection; a reader that falls further behind is closed with 4100.',
          MB,
          {
            min: 16 * KB,
            max: 1024 * MB,
          },
        ),
        slowReaderGraceSeconds: seconds(
          'For how long what waits for one connection may stay above that without being read.',
          5,
          { max: 3600 },
        ),
        compression: flag(
          'Offer permessage-deflate. Saves traffic and costs CPU and memory for each connection.',
          false,
        ),
      }),
      apps: z
        .array(appSchema, 'must be a list of objects')
        .min(1, 'must name one app at least')
        .register(settings, { description: 'The applications, numbered from 0. Ids and keys are unique.' }),
      auth: authSchema,
      resume: resumeSchema,
      redis: section('Replicas share their state by Redis. Absent: one node, all in memory.', {
        url: optionalText('redis:// or rediss://, with user and password where Redis wants them.', {
          secret: true,
          environment: ['REDIS_URL'],
          defaultNote: 'no Redis',
        }),
        keyPrefix: textWithDefault(
          'In front of every key and channel in Redis.',
          'fanfare:',
          /^\S*$/,
          'must be a text without spaces',
        ),
      }),
    },
    'must be an object',
  )
  .register(settings, { description: 'General' });

type DeepReadonly<T> = T extends Uint8Array | string | number | boolean | undefined
  ? T
  : { readonly [Key in keyof T]: DeepReadonly<T[Key]> };

/** What may be written in a file. */
export type ConfigInput = z.input<typeof configSchema>;

/** The configuration after load: complete, checked and deep-frozen; file names are absolute. */
export type Config = Omit<DeepReadonly<z.output<typeof configSchema>>, 'apps'> & { readonly apps: readonly App[] };
