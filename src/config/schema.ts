import { z } from 'zod';
import type { App } from '../core/contracts/app.ts';
import { appSchema } from './app-schema.ts';
import { authSchema } from './auth-schema.ts';
import { logSchema } from './log-schema.ts';
import {
  addressOrRange,
  count,
  flag,
  list,
  MB,
  optionalText,
  seconds,
  section,
  settings,
  settled,
  size,
  text,
  textWithDefault,
} from './setting.ts';
import { connectionsSchema, fallbackSchema, httpSchema, SERVED } from './traffic-schema.ts';

const KB = 1024;

const LISTENING = 'the port is opened with it';

const resumeSchema = section(
  'What clients miss while they are away, for those that connect with a `wsPath` of `/resume/{token}`.',
  {
    windowSeconds: count('How long a client may be away and miss nothing.', 120, { min: 10, max: 86_400 }),
    maxEventsPerChannel: count('Events that are kept for one channel.', 1000, { min: 1, max: 100_000 }),
    maxBytesPerChannel: size(
      'Bytes of events that are kept for one channel; at most half of `connections.maxBackpressureBytes`.',
      512 * KB,
      {
        min: KB,
        max: 512 * MB,
      },
    ),
    ackIntervalSeconds: count(
      'How often a client that is sent little is asked what it has received; a busy one is asked about once a second.',
      10,
      {
        min: 1,
        max: 300,
      },
    ),
    checkpointSeconds: count(
      'How often it is saved what a connected client has received, in case this node crashes.',
      10,
      {
        min: 1,
        max: 300,
      },
    ),
    sessionSeconds: count(
      'How long a client is remembered. One that comes back after `windowSeconds`, but within this time, is told that it may have missed something.',
      86_400,
      {
        min: 10,
        max: 30 * 86_400,
      },
    ),
    maxSessionChannels: count(
      'Channels of one client that are remembered; beyond it, those that it joined first are forgotten.',
      1000,
      { min: 1, max: 100_000 },
    ),
    maxSessionBytes: size(
      'Memory for the channels of one client; beyond it, those that it joined first are forgotten.',
      64 * KB,
      { min: KB, max: MB },
    ),
    maxSessionBytesPerAddress: size(
      'Memory for all clients of one address, or of one /64 of IPv6; beyond it, those that have been away the longest are forgotten.',
      4 * MB,
      { min: MB, max: 1024 * MB },
    ),
  },
);

const tlsSchema = z
  .strictObject(
    {
      certFile: text('The certificate chain, in PEM.', /\S/, 'must be a file name'),
      keyFile: text('The private key, in PEM.', /\S/, 'must be a file name'),
      caFile: optionalText('The certificates of authorities to trust, in PEM.'),
      passphrase: optionalText('The passphrase of the private key.', { secret: true }),
    },
    'must be an object',
  )
  .optional()
  .transform((value) => value)
  .register(settings, {
    description:
      'Certificate files, to serve wss and https. Without them: plain ws and http, as behind a proxy that ends TLS.',
  });

const redisSchema = section('Where replicas share their state. Without it: a single node, with its state in memory.', {
  url: optionalText(
    '`redis://…`, or `rediss://…` over TLS; also `redis+sentinel://host,host/master-name` and `redis+cluster://host,host`.',
    { secret: true, environment: ['REDIS_URL'], defaultNote: 'no Redis' },
  ),
  keyPrefix: textWithDefault(
    'What every key and channel in Redis begins with.',
    'fanfare:',
    /^[^\s{}]*$/,
    'must be a text without spaces and braces',
  ),
  leaseSeconds: seconds('After this long without a sign of life, the others take a node for dead.', 10, {
    min: 1,
    max: 300,
  }),
  acceptTimeoutSeconds: seconds('How long a trigger waits for Redis, if it is away, before it is answered 503.', 2, {
    min: 0.1,
    max: 60,
  }),
  lingerSeconds: seconds(
    'How long a channel stays subscribed in Redis after its last subscriber on this node has left.',
    5,
    {
      max: 300,
    },
  ),
});

const userStatusSchema = section('Telling who is online; each app says on which channels (`statusChannels`).', {
  graceSeconds: seconds(
    'How long a user may be gone before anyone is told, so that the reload of a page is not news.',
    5,
    {
      max: 300,
    },
  ),
});

const webhooksSchema = section('How webhooks are sent; each app says to where (`webhooks`). See docs/webhooks.md.', {
  allowPrivateNetworks: flag('Let webhooks go to this machine and to private networks too.', false),
  timeoutSeconds: seconds('How long an endpoint may take to answer before it is tried again.', 4, {
    min: 0.1,
    max: 60,
  }),
  retrySeconds: seconds('How long a batch is tried before it is given up.', 300),
  graceSeconds: seconds(
    'How long to wait before telling that a channel was vacated or a member removed: one that is back by then never left.',
    3,
    { max: 60 },
  ),
});

const adminSchema = section(
  'A port for operators: `/health`, `/ready`, `/metrics` and the console. It is not for the public.',
  {
    enabled: flag('Open this port.', true),
    host: optionalText('The address to listen on.', {
      defaultNote: 'loopback; all addresses if there is a token',
    }),
    port: z
      .int('must be a whole number from 0 to 65535')
      .min(0, 'must be a whole number from 0 to 65535')
      .max(65_535, 'must be a whole number from 0 to 65535')
      .optional()
      .transform((value) => value)
      .register(settings, {
        description: 'The port to listen on; 0 lets the system choose one.',
        kind: 'integer',
        range: '0 to 65535',
        defaultNote: '9601, or any free one if that is taken',
      }),
    token: z
      .string('must be a text of 24 characters at least')
      .regex(/^\S{24,}$/, 'must be a text of 24 characters at least, without spaces; openssl rand -hex 24 prints one')
      .optional()
      .transform((value) => value)
      .register(settings, {
        description:
          'What callers must send to use the console, its API and `/metrics`. Without a token, only this machine itself may.',
        kind: 'text',
        secret: true,
        defaultNote: 'no token',
      }),
    openMetrics: flag('Let anyone who reaches the port read `/metrics` without the token.', false),
  },
);

/** The whole configuration. Closed: a key that is not here is an error. */
export const configSchema = z
  .strictObject(
    {
      host: settled(
        LISTENING,
        textWithDefault('The address to listen on.', '0.0.0.0', /^\S+$/, 'must be an address or a host name'),
      ),
      port: settled(LISTENING, count('The port to listen on; 0 lets the system choose one.', 6001, { max: 65_535 })),
      pathPrefix: settled(
        SERVED,
        textWithDefault(
          'A path below which everything is served as well, such as `/realtime`, for a proxy that passes it on. The paths without it ' +
            'are still served, for health checks and for backends that need no proxy.',
          '',
          /^(?:\/[A-Za-z0-9._~-]+)*$/,
          'must be empty or begin with / and not end with it, such as /realtime',
        ),
      ),
      trustedProxies: list(
        'Addresses or ranges of proxies whose `X-Forwarded-For` is believed; none listed: no proxy is.',
        addressOrRange,
      ),
      shutdownGraceSeconds: seconds('How long connections get to go elsewhere when the server stops.', 10, {
        max: 3600,
      }),
      tls: settled(`${LISTENING}; so a renewed certificate waits too`, tlsSchema),
      log: logSchema,
      connections: connectionsSchema,
      http: httpSchema,
      fallback: fallbackSchema,
      apps: z
        .array(appSchema, 'must be a list of objects')
        .min(1, 'must name one app at least')
        .register(settings, { description: 'The applications, numbered from 0. No two may have the same id or key.' }),
      auth: authSchema,
      resume: resumeSchema,
      redis: settled(
        'what this node has written to Redis, and what other nodes know of it, depends on it',
        redisSchema,
      ),
      webhooks: webhooksSchema,
      userStatus: userStatusSchema,
      admin: settled('the port for operators is opened with it', adminSchema),
    },
    'must be an object',
  )
  .register(settings, { description: 'General' });

type DeepReadonly<T> = T extends Uint8Array | string | number | boolean | undefined
  ? T
  : { readonly [Key in keyof T]: DeepReadonly<T[Key]> };

type SchemaInput = z.input<typeof configSchema>;

/** What may be written in a file, or given to `createServer`: every key may be left out. */
export type ConfigInput = Omit<SchemaInput, 'apps'> & { apps?: SchemaInput['apps'] | undefined };

/** The configuration after load: complete, checked and deep-frozen; file names are absolute. */
export type Config = Omit<DeepReadonly<z.output<typeof configSchema>>, 'apps'> & { readonly apps: readonly App[] };
