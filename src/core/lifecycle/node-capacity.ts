import { ERROR_CODES, type ErrorCode } from '../../protocol/error-codes.ts';
import { addressBlock } from '../connection/address-block.ts';
import { AddressRates, secondsOfMinuteLeft } from '../connection/address-rates.ts';
import type { Current } from '../contracts/current.ts';
import type { Metrics } from '../contracts/metrics.ts';

export interface NodeLimits {
  /** Connections of this node at once; 0: no limit. */
  readonly maxConnections: number;
  /** Connections of one address on this node; 0: no limit. */
  readonly maxConnectionsPerIp: number;
  /** New connections of one address on this node; 0: no limit. */
  readonly newConnectionsPerMinutePerIp: number;
}

/** Counts this node's connections against its own limits, whichever app they are of. */
export class NodeCapacity {
  readonly #limits: Current<NodeLimits>;
  readonly #metrics: Metrics;
  readonly #perBlock = new Map<string, number>();
  readonly #rates = new AddressRates();
  #connections = 0;

  constructor(limits: Current<NodeLimits>, metrics: Metrics) {
    this.#limits = limits;
    this.#metrics = metrics;
    metrics.bounds.push({ name: 'connections', limit: () => limits().maxConnections, held: () => this.#connections });
  }

  /** Why a further connection from an address is refused, which is counted; undefined if it is not. */
  problem(ip: string, nowMs = Date.now()): ErrorCode | undefined {
    const { maxConnections, maxConnectionsPerIp, newConnectionsPerMinutePerIp } = this.#limits();
    if (maxConnections > 0 && this.#connections >= maxConnections) {
      return this.#refused('connections', 'Over capacity: this node has reached its limit of connections');
    }
    if (maxConnectionsPerIp > 0 && (this.#perBlock.get(addressBlock(ip)) ?? 0) >= maxConnectionsPerIp) {
      return this.#refused('connections', 'Over capacity: too many connections from this address');
    }
    if (newConnectionsPerMinutePerIp > 0 && this.#rates.count(ip, nowMs) > newConnectionsPerMinutePerIp) {
      const wait = `try again in ${secondsOfMinuteLeft(nowMs)} s`;
      return this.#refused('connection-rate', `Too many new connections from this address: ${wait}`);
    }
    return undefined;
  }

  take(ip: string): void {
    this.#connections += 1;
    const block = addressBlock(ip);
    this.#perBlock.set(block, (this.#perBlock.get(block) ?? 0) + 1);
  }

  giveBack(ip: string): void {
    this.#connections -= 1;
    const block = addressBlock(ip);
    const left = (this.#perBlock.get(block) ?? 1) - 1;
    if (left > 0) this.#perBlock.set(block, left);
    else this.#perBlock.delete(block);
  }

  #refused(bound: 'connections' | 'connection-rate', message: string): ErrorCode {
    this.#metrics.refused.add(bound);
    return { ...ERROR_CODES.overCapacity, message };
  }
}
