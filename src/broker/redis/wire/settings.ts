/** How this node reaches Redis, and for how long it waits for it. */
export interface RedisSettings {
  /** See url.ts for its forms. */
  readonly url: string;
  /** In front of every key and channel; holds no brace. */
  readonly keyPrefix: string;
  /** Certificate authorities in PEM for `rediss`; undefined: those of the system. */
  readonly ca?: string | undefined;
  /** A node that has not renewed its lease for so long is dead to the others. */
  readonly leaseSeconds: number;
  /**
   * How long a call waits for a Redis that is away before it rejects, and for an answer before the connection is given
   * up.
   */
  readonly acceptTimeoutSeconds: number;
  /** A topic that nobody here wants any more stays subscribed for so long. */
  readonly lingerSeconds: number;
}

export const DEFAULT_REDIS_SETTINGS = Object.freeze({
  keyPrefix: 'fanfare:',
  leaseSeconds: 10,
  acceptTimeoutSeconds: 2,
  lingerSeconds: 5,
});
