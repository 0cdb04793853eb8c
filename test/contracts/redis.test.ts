import t from 'tap';
import { redisCluster } from '../support/contract-cluster.ts';
import { openGivenUp } from '../support/contract-given-up.ts';
import { startRedis } from '../support/redis-server.ts';
import { brokerContract } from './broker-contract.ts';
import { givenUpContract } from './given-up-contract.ts';
import { outboxContract } from './outbox-contract.ts';
import { quotasContract } from './quotas-contract.ts';
import { requestsContract } from './requests-contract.ts';
import { revocationsContract } from './revocations-contract.ts';
import { rosterContract } from './roster-contract.ts';
import { userStatusContract } from './user-status-contract.ts';

const redis = await startRedis('--requirepass', 'p@ss/word');
t.teardown(() => redis.stop());
const url = redis.url.replace('//', '//:p%40ss%2Fword@');

await t.test('the Redis broker', (t) => brokerContract(t, () => redisCluster(url, 3)));
await t.test('the Redis roster', (t) => rosterContract(t, () => redisCluster(url, 3)));
await t.test('the Redis quotas', (t) => quotasContract(t, () => redisCluster(url, 2)));
await t.test('the Redis outbox', (t) => outboxContract(t, () => redisCluster(url, 3)));
await t.test('requests in Redis', (t) => requestsContract(t, () => redisCluster(url, 2)));
await t.test('revocations in Redis', (t) => revocationsContract(t, () => redisCluster(url, 2)));
await t.test('user statuses in Redis', (t) => userStatusContract(t, () => redisCluster(url, 2)));
await t.test('webhooks that were given up, in Redis', async (t) => givenUpContract(t, await openGivenUp(t, url)));
