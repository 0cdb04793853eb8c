import { pino } from 'pino';
import { DEFAULT_REDIS_SETTINGS, redisState } from '../../../src/broker/redis/index.ts';
import { ConfiguredApps } from '../../../src/core/contracts/app.ts';
import { createMetrics } from '../../../src/core/contracts/metrics.ts';
import { Webhooks, wantsFact } from '../../../src/webhooks/index.ts';
import { RETENTION } from '../contract-cluster.ts';
import { app } from '../unit-app.ts';
import { until } from '../wait.ts';

/** A node in a process of its own that sends webhooks, and does nothing else. */
const [url = '', keyPrefix = '', endpoint = '', leaseSeconds = '1'] = process.argv.slice(2);
const apps = new ConfiguredApps([app({ id: 'told', webhooks: [{ url: endpoint }] })]);
const logger = pino({ level: 'silent' });

const settings = { ...DEFAULT_REDIS_SETTINGS, url, keyPrefix, leaseSeconds: Number(leaseSeconds) };
const { broker, outbox, givenUp } = redisState(settings, () => RETENTION, logger, wantsFact(apps));
await until(() => broker.isReady(), 'the node has reached Redis');
new Webhooks({
  ...{ apps, outbox, givenUp, metrics: createMetrics(), logger },
  settings: () => ({ allowPrivateNetworks: true, timeoutSeconds: 4, retrySeconds: 300, graceSeconds: 0.3 }),
}).start();
process.send?.('ready');
