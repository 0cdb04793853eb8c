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
      'A client that is sent little is asked so often what it has received; a busy one about once a second.',
      10,
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
    maxSessionChannels: count(
      'Channels of one client that are remembered for that; those that it joined first are left out.',
      1000,
      { min: 1, max: 100_000 },
    ),
    maxSessionBytes: size('Memory for the channels of one client: likewise.', 64 * KB, { min: KB, max: MB }),
    maxSessionBytesPerAddress: size(
      'Memory for all clients of one address, or of one /64 of IPv6: those that were away the longest are forgotten.',
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

const redisSchema = section('Replicas share their state by Redis. Absent: one node, all in memory.', {
  url: optionalText(
    '`redis://` or, over TLS, `rediss://`; `redis+sentinel://host,host/master-name` and `redis+cluster://host,host` too.',
    { secret: true, environment: ['REDIS_URL'], defaultNote: 'no Redis' },
  ),
  keyPrefix: textWithDefault(
    'In front of every key and channel in Redis.',
    'fanfare:',
    /^[^\s{}]*$/,
    'must be a text without spaces and braces',
  ),
  leaseSeconds: seconds('A node that has not been heard of for so long is dead to the others.', 10, {
    min: 1,
    max: 300,
  }),
  acceptTimeoutSeconds: seconds('How long a trigger waits for a Redis that is away before it is answered 503.', 2, {
    min: 0.1,
    max: 60,
  }),
  lingerSeconds: seconds('A channel without subscribers on this node stays subscribed in Redis for so long.', 5, {
    max: 300,
  }),
});

const userStatusSchema = section('Telling who is online; where is said by each app (`statusChannels`).', {
  graceSeconds: seconds('A user may be gone for so long, as over the reload of a page, without anyone being told.', 5, {
    max: 300,
  }),
});

const webhooksSchema = section('How webhooks are sent; which there are is said by each app. See docs/webhooks.md.', {
  allowPrivateNetworks: flag('They may go to this machine and to private networks too.', false),
  timeoutSeconds: seconds('An endpoint that has not answered by then is tried again.', 4, { min: 0.1, max: 60 }),
  retrySeconds: seconds('A batch that no attempt within so long brought to its endpoint is given up.', 300),
  graceSeconds: seconds(
    'A channel that is occupied again within so long was never vacated, and a member that is back never removed.',
    3,
    { max: 60 },
  ),
});

const adminSchema = section(
  'A port for operators: `/health`, `/ready`, `/metrics`, and the console. Never meant for the public.',
  {
    enabled: flag('Serve it.', true),
    host: optionalText('The address to listen on.', {
      defaultNote: 'loopback; all addresses where there is a token',
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
        defaultNote: '9601, or any free one where that is taken',
      }),
    token: z
      .string('must be a text of 24 characters at least')
      .regex(/^\S{24,}$/, 'must be a text of 24 characters at least, without spaces; openssl rand -hex 24 prints one')
      .optional()
      .transform((value) => value)
      .register(settings, {
        description:
          'Whoever brings it may use the console, its API and `/metrics`. Without one, only this machine itself may.',
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
          'A path under which everything is served as well, such as `/realtime`, for a proxy that passes it on. Without it everything is ' +
            'still served, as health checks and backends near by like it.',
          '',
          /^(?:\/[A-Za-z0-9._~-]+)*$/,
          'must be empty or begin with / and not end with it, such as /realtime',
        ),
      ),
      trustedProxies: list(
        'Addresses or ranges of proxies whose `X-Forwarded-For` is believed; none listed: no proxy is.',
        addressOrRange,
      ),
      shutdownGraceSeconds: seconds('Of a stop: how long connections get to go elsewhere.', 10, { max: 3600 }),
      tls: settled(`${LISTENING}; so a renewed certificate waits too`, tlsSchema),
      log: logSchema,
      connections: connectionsSchema,
      http: httpSchema,
      fallback: fallbackSchema,
      apps: z
        .array(appSchema, 'must be a list of objects')
        .min(1, 'must name one app at least')
        .register(settings, { description: 'The applications, numbered from 0. Ids and keys are unique.' }),
      auth: authSchema,
      resume: resumeSchema,
      redis: settled('what this node has in Redis, and what other nodes know of it, was put there by it', redisSchema),
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
