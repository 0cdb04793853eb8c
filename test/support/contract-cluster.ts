import { pino } from 'pino';
import { memoryState } from '../../src/broker/memory/index.ts';
import { DEFAULT_REDIS_SETTINGS, type RedisSettings, redisState } from '../../src/broker/redis/index.ts';
import type { Broker, BrokerMessage } from '../../src/core/contracts/broker.ts';
import type { IdempotentRequests } from '../../src/core/contracts/idempotency.ts';
import type { FactKind, Outbox } from '../../src/core/contracts/outbox.ts';
import type { Quotas } from '../../src/core/contracts/quotas.ts';
import type { Revocations } from '../../src/core/contracts/revocations.ts';
import type { Roster } from '../../src/core/contracts/roster.ts';
import type { UserStatuses } from '../../src/core/contracts/user-status.ts';
import { unique } from './names.ts';
import { SESSION_RETENTION } from './session-bounds.ts';
import { until } from './wait.ts';

/** One node as the contracts see it, and what its broker has delivered. */
export interface ContractNode {
  readonly broker: Broker;
  readonly roster: Roster;
  readonly quotas: Quotas;
  readonly outbox: Outbox;
  readonly requests: IdempotentRequests;
  readonly revocations: Revocations;
  readonly statuses: UserStatuses;
  readonly delivered: BrokerMessage[];
  /** Called on each delivery, after it was recorded. */
  onDeliver: (message: BrokerMessage) => void;
  /** How often the broker has said that messages may have been missed. */
  restored: number;
}

export interface ContractCluster {
  readonly nodes: readonly ContractNode[];
  close(): Promise<void>;
}

export type StartCluster = () => Promise<ContractCluster>;

const BOUNDS = { maxEvents: 100, maxBytes: 1_000_000, maxAgeSeconds: 60 };
export const RETENTION = { log: BOUNDS, ...SESSION_RETENTION };

export async function memoryCluster(): Promise<ContractCluster> {
  const node = await startNode(memoryState(() => RETENTION, pino({ level: 'silent' }), wantsFact));
  return { nodes: [node], close: () => closeNode(node) };
}

/** Facts of these apps are read. */
function wantsFact(_: FactKind, appId: string): boolean {
  return appId.startsWith('told');
}

/** So many nodes over one Redis; each cluster has keys of its own there. */
export async function redisCluster(
  url: string,
  count = 2,
  settings: Partial<RedisSettings> = {},
): Promise<ContractCluster> {
  const keyPrefix = `${unique('test')}:`;
  const nodes = await Promise.all(
    Array.from({ length: count }, () =>
      redisNode({ url, keyPrefix, leaseSeconds: 1, lingerSeconds: 0.1, ...settings }),
    ),
  );
  return {
    nodes,
    close: async () => {
      await Promise.all(nodes.map(closeNode));
    },
  };
}

export async function redisNode(settings: Partial<RedisSettings> & { readonly url: string }): Promise<ContractNode> {
  const logger = pino({ level: process.env.TEST_LOG ?? 'silent' });
  const node = await startNode(
    redisState({ ...DEFAULT_REDIS_SETTINGS, ...settings }, () => RETENTION, logger, wantsFact),
  );
  await until(() => node.broker.isReady(), 'the node has reached Redis');
  return node;
}

export async function closeNode({ roster, broker }: ContractNode): Promise<void> {
  await roster.close();
  await broker.close();
}

/** The first and the last node: the same one if there is only one. */
export function hereAndThere({ nodes }: ContractCluster): { here: ContractNode; there: ContractNode } {
  const [here] = nodes;
  const there = nodes.at(-1);
  if (here === undefined || there === undefined) throw new Error('A cluster has a node at least');
  return { here, there };
}

async function startNode(
  parts: Pick<ContractNode, 'broker' | 'roster' | 'quotas' | 'outbox' | 'requests' | 'revocations' | 'statuses'>,
): Promise<ContractNode> {
  const node: ContractNode = { ...parts, delivered: [], onDeliver: () => undefined, restored: 0 };
  await parts.broker.start(
    (message) => {
      node.delivered.push(message);
      node.onDeliver(message);
    },
    () => {
      node.restored += 1;
    },
  );
  return node;
}
