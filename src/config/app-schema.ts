import { z } from 'zod';
import type { WebhookEvent } from '../core/contracts/app.ts';
import { count, flag, list, seconds, section, settings, size, text, textOrNumber, textWithDefault } from './setting.ts';

const KB = 1024;
const MB = 1024 * KB;

/** `https://chat.example.com`, `https://*.example.com`, `http://localhost:5173`. */
const ORIGIN = /^(?:\*|[a-z][a-z0-9+.-]*:\/\/[^/\s,]+)$/i;

/** `private-domain.{domains}`. */
const STATUS_CHANNEL = /^[A-Za-z0-9_\-=@,.;]*(?:\{[A-Za-z0-9_-]+\}[A-Za-z0-9_\-=@,.;]*)?$/;

const limitsSchema = section(
  'How much the clients and backends of the app may do. 0 means no limit only if the description says so.',
  {
    maxConnections: count(
      'Connections at once in the whole cluster; 0: no limit. A client over it is refused with 4004.',
      0,
    ),
    maxChannelNameLength: count('Characters of a channel name.', 200, { min: 1, max: 10_000 }),
    maxEventNameLength: count('Characters of an event name.', 200, { min: 1, max: 10_000 }),
    maxEventBytes: size("An event's data, in bytes of UTF-8. A larger one is refused with 413.", 100 * KB, {
      min: 1,
      max: 64 * MB,
    }),
    maxChannelsPerEvent: count('Channels that one event may be triggered on.', 100, { min: 1, max: 10_000 }),
    maxBatchEvents: count('Events in one batch.', 10, { min: 1, max: 10_000 }),
    maxUsersPerEvent: count('Users that one event may be triggered for, by `user_ids`.', 1000, { min: 1, max: 10_000 }),
    maxIdempotencyKeys: count(
      'Requests with an `Idempotency-Key` that are remembered at once, each for two minutes. Over it: 429.',
      100_000,
      { min: 16 },
    ),
    maxPresenceMembers: count('Members of one presence channel.', 100, { min: 1 }),
    maxPresenceMemberBytes: size("One presence member's `user_info`, in bytes of JSON.", KB, { min: 2, max: MB }),
    maxUserIdLength: count('Characters of a user id.', 128, { min: 1, max: 10_000 }),
    maxWatchlist: count('Users that a signed-in user may watch.', 100, { min: 0, max: 10_000 }),
    maxChannelsPerConnection: count(
      'Channels that one connection may be subscribed to; 0: no limit. Over it: `pusher:subscription_error`.',
      1000,
    ),
    channelsAtOnce: count(
      'Channels that one connection may join, or leave, at once, and a tenth as many each second after that. What it asks for beyond that is done as well, but when the node has time to spare. As many as your clients have; 0: no limit. After a reload, for connections made since.',
      20,
    ),
    clientEventsPerSecond: count(
      'Client events a second from one connection; 0: no limit. Over it: `pusher:error` 4301.',
      10,
    ),
    clientEventsPerSecondOfChannel: count(
      'Client events a second on one channel, from all its connections to one node; 0: no limit. Over it: `pusher:error` 4301.',
      1000,
    ),
    subscriptionsPerSecond: count(
      'Subscriptions a second that one connection may ask for; never fewer than `maxChannelsPerConnection`; 0: no limit. Over it: `pusher:subscription_error` with 429.',
      1000,
    ),
    triggersPerSecond: count(
      'Events a second that backends may trigger, over all nodes, each event of a batch counted; 0: no limit. Over it: 429.',
      0,
    ),
    readsPerSecond: count('GET requests a second to the HTTP API, over all nodes; 0: no limit. Over it: 429.', 0),
  },
);

const rewindRuleSchema = z.strictObject(
  {
    channels: text(
      "Which channels: one's full name, or the beginning of names and `*`.",
      /^(?:[A-Za-z0-9_\-=@,.;]+\*?|\*)$/,
      'must be the name of a channel, or its beginning and *',
    ),
    events: count('The most events to send.', 50, { min: 1, max: 1000 }),
    seconds: seconds('Events older than this are left out.', 120, { min: 1 }),
  },
  'must be an object',
);

const WEBHOOK_EVENTS = [
  'channel_occupied',
  'channel_vacated',
  'member_added',
  'member_removed',
  'cache_miss',
  'client_event',
  'subscription_count',
] as const satisfies readonly WebhookEvent[];

const webhookSchema = z.strictObject(
  {
    url: z
      .string('must be an http:// or https:// address')
      .refine(isWebhookUrl, 'must be an http:// or https:// address, without a user and a password')
      .register(settings, {
        description: 'Where events are POSTed to, signed with the secret of the app.',
        kind: 'text',
      }),
    events: z
      .array(z.enum(WEBHOOK_EVENTS, `must be some of ${WEBHOOK_EVENTS.join(', ')}`), 'must be a list of texts')
      .min(1, 'must name an event at least')
      .default([...WEBHOOK_EVENTS])
      .register(settings, { description: 'The kinds of events that it is sent.', kind: 'list', defaultNote: 'all' }),
    channels: textWithDefault(
      "Which channels: one's full name, the beginning of names and `*`, or `*` and their end.",
      '*',
      /^(?:[A-Za-z0-9_\-=@,.;]+\*?|\*[A-Za-z0-9_\-=@,.;]*)$/,
      'must be the name of a channel, its beginning and *, or * and its end',
    ),
  },
  'must be an object',
);

function isWebhookUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
}

/** One of `apps`. */
export const appSchema = z.strictObject(
  {
    id: textOrNumber(
      'In the paths of the HTTP API: `/apps/{id}/events`. A number is taken as its text.',
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
      'How long a client may take to sign in or join a guarded channel before it is closed with 4009; 0: for ever.',
      0,
    ),
    requireSignIn: flag(
      'A client receives nothing, not even on public channels, until it has signed in or joined a guarded channel. One that does ' +
        'neither is closed with 4009 after `unauthorizedTimeoutSeconds`, or after 10 s if that is 0.',
      false,
    ),
    tokenInQuery: flag(
      "Let a token in a connection's query, `?token=…`, sign the client in, for clients that cannot do so themselves. A token that is not valid is refused with 4009. Beware: proxies log queries.",
      false,
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
        description: '32 bytes in base64, from which the shared secrets of `private-encrypted-` channels are derived.',
        kind: 'text',
        secret: true,
      }),
    rewind: z.array(rewindRuleSchema, 'must be a list of objects').default([]).register(settings, {
      description:
        'Channels whose last events are sent to whoever subscribes, numbered from 0. The first rule that matches a channel holds.',
    }),
    webhooks: z.array(webhookSchema, 'must be a list of objects').default([]).register(settings, {
      description: 'Endpoints of your backend that are told what happens on channels, numbered from 0.',
    }),
    statusChannels: list(
      "Channels on which `user.status.changed` tells when a user comes online or goes offline. A name may hold a claim of the user's token in braces: `private-domain.{domains}` is one channel for each value of `domains`. None listed: nobody is told.",
      z
        .string('must be the name of a channel')
        .regex(STATUS_CHANNEL, 'must be the name of a channel, in which one {claim} may stand'),
    ),
    limits: limitsSchema,
  },
  'must be an object',
);
