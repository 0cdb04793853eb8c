/** Bounds of one app. Counts of 0 mean "no limit" where the comment says so; everything else is taken as it stands. */
export interface AppLimits {
  /** Connections at once; 0: no limit. Over it: 4004. */
  readonly maxConnections: number;
  readonly maxChannelNameLength: number;
  readonly maxEventNameLength: number;
  /** An event's `data`, in bytes of UTF-8. */
  readonly maxEventBytes: number;
  readonly maxChannelsPerEvent: number;
  readonly maxBatchEvents: number;
  /** Users that one event may be triggered for. */
  readonly maxUsersPerEvent: number;
  /** Requests with an `Idempotency-Key` that are remembered at once. Over it: 429. */
  readonly maxIdempotencyKeys: number;
  readonly maxPresenceMembers: number;
  /** One member's `user_info`, in bytes of JSON. */
  readonly maxPresenceMemberBytes: number;
  readonly maxUserIdLength: number;
  readonly maxWatchlist: number;
  /** Channels one connection may be subscribed to; 0: no limit. */
  readonly maxChannelsPerConnection: number;
  /** Channels one connection may join, or leave, before the rest waits for time to spare; 0: no limit. */
  readonly channelsAtOnce: number;
  /** For each connection; 0: no limit. Over it: `pusher:error` 4301. */
  readonly clientEventsPerSecond: number;
  /** For all connections of a node on one channel; 0: no limit. Over it: `pusher:error` 4301. */
  readonly clientEventsPerSecondOfChannel: number;
  /** For each connection, and no fewer than `maxChannelsPerConnection`; if either is 0: no limit. Over it: 429. */
  readonly subscriptionsPerSecond: number;
  /** Events that backends may trigger in a second, each event of a batch counted; 0: no limit. Over it: 429. */
  readonly triggersPerSecond: number;
  /** GETs of the HTTP API in a second; 0: no limit. Over it: 429. */
  readonly readsPerSecond: number;
}

/** Channels whose last events are sent to whoever subscribes. */
export interface RewindRule {
  /** A channel's full name, or its beginning and `*`. */
  readonly channels: string;
  /** At most so many… */
  readonly events: number;
  /** …none of them older than this. */
  readonly seconds: number;
}

export type WebhookEvent =
  | 'channel_occupied'
  | 'channel_vacated'
  | 'member_added'
  | 'member_removed'
  | 'cache_miss'
  | 'client_event'
  | 'subscription_count';

/** Where a backend wants to be told what happens. (Channels docs: webhooks) */
export interface WebhookEndpoint {
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  /** A channel's full name, its beginning and `*`, or `*` and its end. */
  readonly channels: string;
}

/** One application: a key pair, and what its clients and backends may do. Frozen; a reload brings a new one. */
export interface App {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
  readonly enabled: boolean;
  /** Refuse plain connections with 4000. */
  readonly tlsOnly: boolean;
  /**
   * Origins of browsers that may connect, such as `https://chat.example.com` or `https://*.example.com`; empty: any.
   */
  readonly allowedOrigins: readonly string[];
  readonly clientEvents: boolean;
  /** Tell subscribers `pusher_internal:subscription_count`. */
  readonly subscriptionCount: boolean;
  /** A connection that by then has neither signed in nor joined a guarded channel is closed with 4009; 0: never. */
  readonly unauthorizedTimeoutSeconds: number;
  /** Until a connection has signed in or joined a guarded channel, it joins no public one. */
  readonly requireSignIn: boolean;
  /** A token in a connection's query (`?token=…`) signs it in, and one that is not valid refuses it. */
  readonly tokenInQuery: boolean;
  /** 32 bytes: what the shared secrets of end-to-end encrypted channels are derived from, if the app has one. */
  readonly encryptionMasterKey: Uint8Array | undefined;
  /** The first rule that a channel comes under holds. */
  readonly rewind: readonly RewindRule[];
  readonly webhooks: readonly WebhookEndpoint[];
  /** Where a user's coming and going is told: names with a claim of the token in braces; none: nowhere. */
  readonly statusChannels: readonly string[];
  readonly limits: AppLimits;
}

/** Looks apps up at once, without I/O. */
export interface AppRegistry {
  findByKey(key: string): App | undefined;
  findById(id: string): App | undefined;
  all(): readonly App[];
}

/** The apps of the configuration. Keys and ids must be unique in each list. */
export class ConfiguredApps implements AppRegistry {
  #apps: readonly App[] = [];
  #byKey: ReadonlyMap<string, App> = new Map();
  #byId: ReadonlyMap<string, App> = new Map();

  constructor(apps: readonly App[]) {
    this.replace(apps);
  }

  /** Takes effect for whoever looks an app up from now on; connections of apps that have gone are still open. */
  replace(apps: readonly App[]): void {
    this.#apps = Object.freeze([...apps]);
    this.#byKey = new Map(apps.map((app) => [app.key, app]));
    this.#byId = new Map(apps.map((app) => [app.id, app]));
  }

  findByKey(key: string): App | undefined {
    return this.#byKey.get(key);
  }

  findById(id: string): App | undefined {
    return this.#byId.get(id);
  }

  all(): readonly App[] {
    return this.#apps;
  }
}
