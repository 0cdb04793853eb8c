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
  size,
  text,
  textWithDefault,
} from './setting.ts';

const KB = 1024;

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

const httpSchema = section(
  'HTTP requests, whoever sends them: what they may take before anyone has asked who that is.',
  {
    maxHeaderBytes: size(
      'Of all headers of one request together, those of a WebSocket handshake too. More is answered 431, and logged. ' +
        'The HTTP API takes twice as much.',
      32 * KB,
      { min: 4 * KB, max: MB },
    ),
    maxBodiesBytes: size(
      'Memory of all request bodies that are under way on this node; never less than one of the largest size. ' +
        'If it is used up, whoever still sends and holds most is answered 503.',
      64 * MB,
      { min: MB, max: 16 * 1024 * MB },
    ),
    bodyTimeoutSeconds: seconds('A body that has not arrived by then is refused with 408.', 30, { min: 1, max: 3600 }),
  },
);

const fallbackSchema = section(
  'HTTP streaming and polling, which stock pusher-js falls back to if it cannot open a WebSocket.',
  {
    enabled: flag('Answer them. They need no setting of their own.', true),
    maxSessions: count('Sessions at once on this node, before anyone has asked who they are.', 20_000, { min: 1 }),
    maxSessionsPerIp: count('Of those, sessions of one client address, or of one /64 of IPv6.', 2000, { min: 1 }),
    gapSeconds: seconds('A session at which no request has waited for so long is over.', 8, { min: 1, max: 120 }),
    pollSeconds: seconds('A poll without news is answered with a heartbeat after so long.', 25, { min: 1, max: 300 }),
    maxBufferedBytes: size(
      'Memory for what waits for all of them together; what waits for one is bounded by `connections.maxBackpressureBytes`.',
      64 * MB,
      { min: MB, max: 16 * 1024 * MB },
    ),
    hostname: optionalText(
      "This node's own public host name, to which a client sends all later requests of a session. Only for several nodes " +
        'behind a balancer that cannot route by the path.',
    ),
  },
);

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
      host: textWithDefault('The address to listen on.', '0.0.0.0', /^\S+$/, 'must be an address or a host name'),
      port: count('The port to listen on; 0 lets the system choose one.', 6001, { max: 65_535 }),
      pathPrefix: textWithDefault(
        'A path under which everything is served as well, such as `/realtime`, for a proxy that passes it on. Without it everything is ' +
          'still served, as health checks and backends near by like it.',
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
      log: logSchema,
      connections: section('Client connections, whichever app they are of.', {
        max: count('Connections at once on this node; 0: no limit.', 0),
        maxPerIp: count('Connections at once of one client address, or /64 of IPv6, on this node; 0: no limit.', 0),
        newPerMinutePerIp: count(
          'New connections of one client address, or /64 of IPv6, to this node in a minute; 0: no limit. Over it: 4100.',
          10_000,
        ),
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
        maxReceiveBytesPerSecond: size(
          'What one connection may send in a second, messages decompressed, and each message, ping and pong counted ' +
            'with 128 bytes more; never less than two messages of the largest size. One that sends more is closed with 4100.',
          4 * MB,
          { min: 64 * KB, max: 1024 * MB },
        ),
        maxWaitingBytes: size(
          'Messages of one connection that may wait for their turn, while a slow answer or Redis is waited for. ' +
            'One that sends more meanwhile is closed with 4100.',
          MB,
          { min: 64 * KB, max: 1024 * MB },
        ),
        maxWaitingBytesOfNode: size(
          'The same of all connections of this node together: beyond it, whoever has the most waiting is closed.',
          64 * MB,
          { min: MB, max: 64 * 1024 * MB },
        ),
        maxWaitSeconds: seconds(
          'How long a message of a client may wait for its turn, or for what it asks for. Then its connection is ' +
            'closed with 4100, and the client comes back, to another node perhaps.',
          60,
          { min: 1, max: 3600 },
        ),
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
      http: httpSchema,
      fallback: fallbackSchema,
      apps: z
        .array(appSchema, 'must be a list of objects')
        .min(1, 'must name one app at least')
        .register(settings, { description: 'The applications, numbered from 0. Ids and keys are unique.' }),
      auth: authSchema,
      resume: resumeSchema,
      redis: redisSchema,
      webhooks: webhooksSchema,
      userStatus: userStatusSchema,
      admin: adminSchema,
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
