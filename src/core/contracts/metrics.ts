/**
 * Counts by a label. Labels are words of this program's own, never of a client: what strangers can make grow is
 * bounded.
 */
export class Tally<Label extends string = string> {
  readonly #counts: Map<Label, number>;

  /** @param labels shown from the beginning: an alert cannot tell the first of a kind from none otherwise */
  constructor(labels: readonly Label[] = []) {
    this.#counts = new Map(labels.map((label) => [label, 0]));
  }

  add(label: Label, by = 1): void {
    this.#counts.set(label, (this.#counts.get(label) ?? 0) + by);
  }

  get(label: Label): number {
    return this.#counts.get(label) ?? 0;
  }

  entries(): Iterable<readonly [Label, number]> {
    return this.#counts;
  }
}

/** Durations in fixed buckets, as a histogram wants them. */
export class Durations {
  /** Upper ends, in seconds; what is longer stands in one more bucket behind them. */
  readonly bucketsSeconds: readonly number[];
  readonly counts: number[];
  sumSeconds = 0;

  constructor(bucketsSeconds: readonly number[]) {
    this.bucketsSeconds = bucketsSeconds;
    this.counts = new Array(bucketsSeconds.length + 1).fill(0);
  }

  observe(seconds: number): void {
    const at = this.bucketsSeconds.findIndex((end) => seconds <= end);
    const bucket = at < 0 ? this.bucketsSeconds.length : at;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sumSeconds += seconds;
  }
}

/**
 * The bounds that are counted when they are met, or shown with what is held: labels of `fanfare_bound_refused_total`,
 * `fanfare_bound_limit` and `fanfare_bound_held`. docs/security.md has them all in its table; a test compares.
 */
export const BOUND_NAMES = Object.freeze([
  ...['connections', 'app-connections', 'receive-rate', 'client-events-per-second'],
  ...['waiting-messages', 'waiting-bytes', 'waiting-time', 'recorded-characters'],
  ...['body-size', 'body-bytes', 'body-chunks', 'body-time', 'header-bytes', 'triggers-per-second', 'reads-per-second'],
  ...['idempotency-keys', 'connection-rate', 'channel-client-events', 'subscriptions-per-second'],
  ...['failed-authorizations'],
  ...['http-sessions', 'http-session-guesses', 'http-buffered-bytes', 'http-relays'],
  ...['rules', 'rules-waiting', 'rules-of-user', 'log-waiting-bytes', 'facts', 'fact-bytes', 'webhook-events'],
  ...['given-up-webhooks'],
  ...['channel-logs', 'channel-log-bytes', 'cached-events', 'cached-event-bytes', 'sessions'],
  ...['redis-messages', 'redis-characters'],
] as const);

export type BoundName = (typeof BOUND_NAMES)[number];

/** Something that the server holds only so much of: shown with what it holds now, read when somebody asks. */
export interface Bound {
  readonly name: BoundName;
  /** 0: no limit. */
  readonly limit: () => number;
  readonly held: () => number;
}

/**
 * What a node counts as it goes. The parts of the server add to plain numbers, which costs next to nothing; whoever
 * shows them reads them when asked. Numbers only grow, but those that say *now*.
 */
export interface Metrics {
  /**
   * WebSocket messages and their like, from and to clients; an event counts once for each socket. Bytes are of their
   * text.
   */
  framesIn: number;
  bytesIn: number;
  framesOut: number;
  bytesOut: number;
  /** Frames that were thrown away because their reader was too slow, and readers that were given up for it. */
  framesDropped: number;
  slowReaders: number;
  /** Now, by transport, and by app. */
  readonly connections: Tally;
  readonly appConnections: Tally;
  /** By transport. */
  readonly connectionsOpened: Tally;
  /** Handshakes that were refused, and connections that the server closed, by the code that the client was told. */
  readonly connectionsRefused: Tally;
  readonly connectionsClosed: Tally;
  /** Now. */
  subscriptions: number;
  subscriptionsOpened: number;
  /** By the type that the client was told. */
  readonly subscriptionsRefused: Tally;
  /** Channels that have a subscriber on this node now, by kind. */
  readonly channels: Tally;
  /** Events that backends triggered and the broker accepted, an event once for each of its channels. */
  triggers: number;
  /** Events that clients sent and the broker accepted. */
  clientEvents: number;
  /** Frames that were handed to this node's transports: one, however many subscribers it is for. */
  deliveries: number;
  /** For a sample of the events that were accepted here: how long until they were handed to this node's sockets. */
  readonly deliveryLatency: Durations;
  /** Answers of the HTTP API, by status. */
  readonly apiAnswers: Tally;
  /** `granted`, or the code of the refusal. */
  readonly authorizations: Tally;
  /** Channels that resumable clients joined again: `recovered`, `gap`, `unknown` or `shared`. */
  readonly resumes: Tally;
  eventsReplayed: number;
  /** Batches of webhooks: `delivered`, `retried`, `given_up`, or `resent` when an operator asked for it. */
  readonly webhooks: Tally;
  /** What was turned away because a bound was met, by the bound's name. */
  readonly refused: Tally<BoundName>;
  readonly bounds: Bound[];
}

const LATENCY_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export function createMetrics(): Metrics {
  return {
    framesIn: 0,
    bytesIn: 0,
    framesOut: 0,
    bytesOut: 0,
    framesDropped: 0,
    slowReaders: 0,
    connections: new Tally(),
    appConnections: new Tally(),
    connectionsOpened: new Tally(),
    connectionsRefused: new Tally(),
    connectionsClosed: new Tally(),
    subscriptions: 0,
    subscriptionsOpened: 0,
    subscriptionsRefused: new Tally(),
    channels: new Tally(),
    triggers: 0,
    clientEvents: 0,
    deliveries: 0,
    deliveryLatency: new Durations(LATENCY_SECONDS),
    apiAnswers: new Tally(),
    authorizations: new Tally(),
    resumes: new Tally(['recovered', 'gap', 'unknown', 'shared']),
    eventsReplayed: 0,
    webhooks: new Tally(['delivered', 'retried', 'given_up', 'resent']),
    refused: new Tally(BOUND_NAMES),
    bounds: [],
  };
}
