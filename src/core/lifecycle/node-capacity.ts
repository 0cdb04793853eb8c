import { ERROR_CODES, type ErrorCode } from '../../protocol/error-codes.ts';

export interface NodeLimits {
  /** Connections of this node at once; 0: no limit. */
  readonly maxConnections: number;
  /** Connections of one address on this node; 0: no limit. */
  readonly maxConnectionsPerIp: number;
}

/** Counts this node's connections against its own limits, whichever app they are of. */
export class NodeCapacity {
  readonly #limits: NodeLimits;
  readonly #perIp = new Map<string, number>();
  #connections = 0;

  constructor(limits: NodeLimits) {
    this.#limits = limits;
  }

  /** Why a further connection from an address is refused, or undefined. */
  problem(ip: string): ErrorCode | undefined {
    const { maxConnections, maxConnectionsPerIp } = this.#limits;
    if (maxConnections > 0 && this.#connections >= maxConnections) {
      return { ...ERROR_CODES.overCapacity, message: 'Over capacity: this node has reached its limit of connections' };
    }
    if (maxConnectionsPerIp > 0 && (this.#perIp.get(ip) ?? 0) >= maxConnectionsPerIp) {
      return { ...ERROR_CODES.overCapacity, message: 'Over capacity: too many connections from this address' };
    }
    return undefined;
  }

  take(ip: string): void {
    this.#connections += 1;
    this.#perIp.set(ip, (this.#perIp.get(ip) ?? 0) + 1);
  }

  giveBack(ip: string): void {
    this.#connections -= 1;
    const left = (this.#perIp.get(ip) ?? 1) - 1;
    if (left > 0) this.#perIp.set(ip, left);
    else this.#perIp.delete(ip);
  }
}
