import type { Network } from './network.ts';

/** What a scenario can break. */
export interface Breakable {
  readonly network: Network;
  /** Delays what the nodes and Redis say to each other, in each direction. */
  delayRedis(ms: number): void;
  /** Moves the scenario's clock so far away from the machine's. */
  jump(seconds: number): void;
}

export type Clock = 'node1' | 'redis';

export interface Scenario {
  readonly name: string;
  readonly what: string;
  readonly seconds: number;
  /** The nodes reach Redis by a proxy that can delay. */
  readonly isDelaying?: true;
  /** Whose clock will jump. It takes libfaketime. */
  readonly clock?: Clock;
  begin(breakable: Breakable): void;
}

export const LEASE_SECONDS = 10;
const HOUR_SECONDS = 3600;

/** Everything is healed by `Network.heal`, no delay, and clocks that are right again. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'redis-short',
    what: 'node 1 and Redis apart, shorter than the lease',
    seconds: 4,
    begin: ({ network }) => part(network, 'node1'),
  },
  {
    name: 'redis-long',
    what: 'node 1 and Redis apart, longer than the lease',
    seconds: 18,
    begin: ({ network }) => part(network, 'node1'),
  },
  {
    name: 'redis-all',
    what: 'both nodes and Redis apart, longer than the lease',
    seconds: 18,
    begin: ({ network }) => {
      part(network, 'node1');
      part(network, 'node2');
    },
  },
  {
    name: 'to-redis',
    what: 'nothing that node 1 sends reaches Redis',
    seconds: 15,
    begin: ({ network }) => network.lose('node1', 'redis'),
  },
  {
    name: 'from-redis',
    what: 'nothing that Redis sends reaches node 1',
    seconds: 15,
    begin: ({ network }) => network.lose('redis', 'node1'),
  },
  {
    name: 'lossy',
    what: '15 % of all packets between both nodes and Redis are lost',
    seconds: 15,
    begin: ({ network }) => {
      for (const node of ['node1', 'node2'] as const) {
        network.lose(node, 'redis', 0.15);
        network.lose('redis', node, 0.15);
      }
    },
  },
  {
    name: 'clients',
    what: 'clients and node 1 apart',
    seconds: 15,
    begin: ({ network }) => {
      network.lose('clients', 'node1');
      network.lose('node1', 'clients');
    },
  },
  {
    name: 'delay',
    what: 'Redis is 200 ms further away, each way, for both nodes',
    seconds: 15,
    isDelaying: true,
    begin: (breakable) => breakable.delayRedis(200),
  },
  clockJump('node1', 'the clock of node 1', 1),
  clockJump('node1', 'the clock of node 1', -1),
  clockJump('redis', "Redis's clock", 1),
  clockJump('redis', "Redis's clock", -1),
];

function clockJump(clock: Clock, whose: string, hours: 1 | -1): Scenario {
  return {
    name: `${clock}-clock-${hours > 0 ? 'ahead' : 'behind'}`,
    what: `${whose} jumps an hour ${hours > 0 ? 'ahead' : 'back'}, and is put right afterwards`,
    seconds: 12,
    clock,
    begin: (breakable) => breakable.jump(hours * HOUR_SECONDS),
  };
}

function part(network: Network, node: 'node1' | 'node2'): void {
  network.lose(node, 'redis');
  network.lose('redis', node);
}
