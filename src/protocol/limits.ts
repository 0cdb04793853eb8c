/** Bounds that belong to the protocol itself; what an app may set stands in core/contracts/app.ts. */
export const SUPPORTED_PROTOCOLS = Object.freeze({ min: 5, max: 7 });

/** A request's `auth_timestamp` may differ from the server's clock by this much. (Channels docs: HTTP API) */
export const MAX_CLOCK_SKEW_SECONDS = 600;

/** A cache channel's event is kept at most this long. (Channels docs: cache channels) */
export const CACHE_TTL_SECONDS = 1800;

/** Up to this many subscribers each change of `subscription_count` is told; above, one in five seconds. */
export const SUBSCRIPTION_COUNT_EXACT_UP_TO = 100;
export const SUBSCRIPTION_COUNT_INTERVAL_SECONDS = 5;
