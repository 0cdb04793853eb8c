import t from 'tap';
import { redisCluster } from '../support/contract-cluster.ts';
import { openGivenUp } from '../support/contract-given-up.ts';
import { startCluster } from '../support/redis-server.ts';
import { brokerContract } from './broker-contract.ts';
import { givenUpContract } from './given-up-contract.ts';
import { outboxContract } from './outbox-contract.ts';
import { quotasContract } from './quotas-contract.ts';
import { requestsContract } from './requests-contract.ts';
import { revocationsContract } from './revocations-contract.ts';
import { rosterContract } from './roster-contract.ts';
import { userStatusContract } from './user-status-contract.ts';

const cluster = await startCluster(3);
t.teardown(() => cluster.stop());

await t.test('the Redis broker on a Cluster', (t) => brokerContract(t, () => redisCluster(cluster.url, 3)));
await t.test('the Redis roster on a Cluster', (t) => rosterContract(t, () => redisCluster(cluster.url, 3)));
await t.test('the Redis quotas on a Cluster', (t) => quotasContract(t, () => redisCluster(cluster.url, 2)));
await t.test('the Redis outbox on a Cluster', (t) => outboxContract(t, () => redisCluster(cluster.url, 3)));
await t.test('requests on a Cluster', (t) => requestsContract(t, () => redisCluster(cluster.url, 2)));
await t.test('revocations on a Cluster', (t) => revocationsContract(t, () => redisCluster(cluster.url, 2)));
await t.test('user statuses on a Cluster', (t) => userStatusContract(t, () => redisCluster(cluster.url, 2)));
await t.test('webhooks that were given up, on a Cluster', async (t) =>
  givenUpContract(t, await openGivenUp(t, cluster.url)),
);
