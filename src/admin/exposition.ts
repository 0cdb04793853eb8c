import { Counter, collectDefaultMetrics, Gauge, type Histogram, Registry } from 'prom-client';
import type { Broker } from '../core/contracts/broker.ts';
import type { Durations, Metrics, Tally } from '../core/contracts/metrics.ts';
import type { Outbox, OutboxBacklog } from '../core/contracts/outbox.ts';
import { topicOf } from '../core/contracts/topic.ts';

export interface ExpositionDependencies {
  readonly metrics: Metrics;
  readonly broker: Broker;
  readonly outbox: Outbox;
  readonly version: string;
}

/** Nobody subscribes to it: asking for its last event is a round trip to the shared state and nothing else. */
const PROBE_TOPIC = topicOf('', '#probe');
const MAX_PROBE_MS = 2000;
const UNKNOWN_BACKLOG: OutboxBacklog = Object.freeze({ facts: Number.NaN, oldestSeconds: Number.NaN });

/**
 * What a node counts, in Prometheus's format. Everything is read at the scrape: between two of them nothing runs here.
 * Names and units follow Prometheus's conventions; docs/observability.md lists them all.
 */
export function createExposition({ metrics, broker, outbox, version }: ExpositionDependencies): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const { counter, gauge, counterBy, gaugeBy } = instruments(registry);

  gaugeBy('fanfare_build_info', '1, and the version that runs', 'version', () => [[version, 1]]);
  gaugeBy('fanfare_connections', 'Open connections', 'transport', () => metrics.connections.entries());
  gaugeBy('fanfare_app_connections', 'Open connections', 'app', () => metrics.appConnections.entries());
  counterBy('fanfare_connections_opened_total', 'Connections that were opened', 'transport', metrics.connectionsOpened);
  counterBy('fanfare_connections_refused_total', 'Handshakes that were refused', 'code', metrics.connectionsRefused);
  counterBy('fanfare_connections_closed_total', 'Closed by the server', 'code', metrics.connectionsClosed);
  gauge('fanfare_subscriptions', 'Subscriptions of open connections', () => metrics.subscriptions);
  counter('fanfare_subscriptions_opened_total', 'Subscriptions that began', () => metrics.subscriptionsOpened);
  counterBy('fanfare_subscriptions_refused_total', 'Refused, by type', 'type', metrics.subscriptionsRefused);
  gaugeBy('fanfare_channels', 'Channels with a subscriber here', 'kind', () => metrics.channels.entries());
  counter('fanfare_frames_received_total', 'Messages from clients', () => metrics.framesIn);
  counter('fanfare_bytes_received_total', 'Bytes of messages from clients', () => metrics.bytesIn);
  counter('fanfare_frames_sent_total', 'Messages to clients, one for each socket', () => metrics.framesOut);
  counter('fanfare_bytes_sent_total', 'Bytes of messages to clients', () => metrics.bytesOut);
  counter('fanfare_frames_dropped_total', 'Not sent: their reader was too slow', () => metrics.framesDropped);
  counter('fanfare_slow_readers_total', 'Connections given up as too slow', () => metrics.slowReaders);
  counter('fanfare_triggers_total', 'Events of backends, one for each channel', () => metrics.triggers);
  counter('fanfare_client_events_total', 'Events of clients', () => metrics.clientEvents);
  counter('fanfare_deliveries_total', 'Frames for the subscribers of this node', () => metrics.deliveries);
  counterBy('fanfare_api_answers_total', 'Answers of the HTTP API', 'status', metrics.apiAnswers);
  counterBy('fanfare_authorizations_total', 'granted, or the refusal', 'outcome', metrics.authorizations);
  counterBy('fanfare_resumes_total', 'Channels joined again by resumable clients', 'outcome', metrics.resumes);
  counter('fanfare_events_replayed_total', 'Events sent again to who missed them', () => metrics.eventsReplayed);
  counterBy('fanfare_webhooks_total', 'Batches: delivered, retried, given_up, resent', 'outcome', metrics.webhooks);
  const backlog = backlogOf(outbox);
  gauge('fanfare_outbox_facts', 'Waiting to be told, on all nodes together', async () => (await backlog()).facts);
  gauge('fanfare_outbox_oldest_seconds', 'How long the oldest waits', async () => (await backlog()).oldestSeconds);
  counterBy('fanfare_bound_refused_total', 'Turned away: a bound was met', 'bound', metrics.refused);
  gaugeBy('fanfare_bound_limit', 'The most that may be held; 0: no limit', 'bound', () => bounds(metrics, 'limit'));
  gaugeBy('fanfare_bound_held', 'What is held now', 'bound', () => bounds(metrics, 'held'));
  gauge('fanfare_shared_state_up', 'Whether a publish could be accepted now', () => (broker.isReady() ? 1 : 0));
  gauge('fanfare_shared_state_seconds', 'A round trip to the state that all nodes share', () => roundTrip(broker));
  registry.registerMetric(
    pulledHistogram(
      'fanfare_delivery_latency_seconds',
      'From acceptance to the sockets of the same node, of a sample of the events',
      metrics.deliveryLatency,
    ),
  );
  return registry;
}

/** Seconds, or NaN if there is no answer within two. */
export async function roundTrip(broker: Broker): Promise<number> {
  const begun = performance.now();
  const answered = broker.cached(PROBE_TOPIC).then(() => (performance.now() - begun) / 1000);
  return await inTime(answered, Number.NaN);
}

/** Both of its numbers come of one question, of all who ask while it is under way. */
function backlogOf(outbox: Outbox): () => Promise<OutboxBacklog> {
  let asked: Promise<OutboxBacklog> | undefined;
  return () => {
    asked ??= inTime(outbox.backlog(), UNKNOWN_BACKLOG).finally(() => {
      asked = undefined;
    });
    return asked;
  };
}

/** `otherwise` if the shared state does not answer, or not within two seconds. */
async function inTime<T>(answer: Promise<T>, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), MAX_PROBE_MS);
  });
  try {
    return await Promise.race([answer.catch(() => otherwise), timeUp]);
  } finally {
    clearTimeout(timer);
  }
}

function* bounds(metrics: Metrics, what: 'limit' | 'held'): Iterable<readonly [string, number]> {
  for (const bound of metrics.bounds) yield [bound.name, bound[what]()];
}

/** Instruments without a value of their own: it is read when they are asked. */
function instruments(registry: Registry) {
  const common = { registers: [registry] };
  return {
    counter(name: string, help: string, read: () => number): void {
      new Counter({
        ...common,
        name,
        help,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    },
    gauge(name: string, help: string, read: () => number | Promise<number>): void {
      new Gauge({
        ...common,
        name,
        help,
        async collect() {
          this.set(await read());
        },
      });
    },
    counterBy(name: string, help: string, label: string, tally: Tally): void {
      new Counter({
        ...common,
        name,
        help,
        labelNames: [label],
        collect() {
          this.reset();
          for (const [value, count] of tally.entries()) this.inc({ [label]: value }, count);
        },
      });
    },
    gaugeBy(name: string, help: string, label: string, read: () => Iterable<readonly [string, number]>): void {
      new Gauge({
        ...common,
        name,
        help,
        labelNames: [label],
        collect() {
          this.reset();
          for (const [value, count] of read()) this.set({ [label]: value }, count);
        },
      });
    },
  };
}

/** What the registry asks of a metric, for a histogram whose buckets are counted elsewhere. */
function pulledHistogram(name: string, help: string, durations: Durations): Histogram {
  const get = async () => {
    const { bucketsSeconds, counts, sumSeconds } = durations;
    let total = 0;
    const buckets = [...bucketsSeconds, '+Inf'].map((le, index) => {
      total += counts[index] ?? 0;
      return { metricName: `${name}_bucket`, labels: { le }, value: total };
    });
    const ends = [
      { metricName: `${name}_sum`, labels: {}, value: sumSeconds },
      { metricName: `${name}_count`, labels: {}, value: total },
    ];
    return { name, help, type: 'histogram', aggregator: 'sum', values: [...buckets, ...ends] };
  };
  return { name, help, get } as unknown as Histogram;
}
