import t from 'tap';
import { MemoryGivenUp } from '../../src/broker/memory/memory-given-up.ts';
import { memoryCluster } from '../support/contract-cluster.ts';
import { brokerContract } from './broker-contract.ts';
import { givenUpContract } from './given-up-contract.ts';
import { outboxContract } from './outbox-contract.ts';
import { quotasContract } from './quotas-contract.ts';
import { requestsContract } from './requests-contract.ts';
import { revocationsContract } from './revocations-contract.ts';
import { rosterContract } from './roster-contract.ts';
import { userStatusContract } from './user-status-contract.ts';

await t.test('the memory broker', (t) => brokerContract(t, memoryCluster));
await t.test('the memory roster', (t) => rosterContract(t, memoryCluster));
await t.test('the memory quotas', (t) => quotasContract(t, memoryCluster));
await t.test('the memory outbox', (t) => outboxContract(t, memoryCluster));
await t.test('the memory of requests', (t) => requestsContract(t, memoryCluster));
await t.test('revocations in memory', (t) => revocationsContract(t, memoryCluster));
await t.test('user statuses in memory', (t) => userStatusContract(t, memoryCluster));
await t.test('webhooks that were given up, in memory', (t) =>
  givenUpContract(t, (bounds) => {
    const store = new MemoryGivenUp(bounds);
    return [store, store];
  }),
);
