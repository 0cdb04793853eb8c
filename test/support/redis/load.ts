import { setTimeout as pause } from 'node:timers/promises';
import { BrokerUnavailable } from '../../../src/core/contracts/broker.ts';
import type { ContractNode } from '../contract-cluster.ts';

interface Published {
  readonly frame: string;
  readonly sentMs: number;
  outcome: 'pending' | 'accepted' | 'refused';
  tookMs: number;
}

/** Publishes on a topic from every node at a pace, and says afterwards what became of each message. */
export class Load {
  readonly topic: string;
  readonly published: Published[] = [];
  readonly #nodes: readonly ContractNode[];
  readonly #calls: Promise<void>[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(nodes: readonly ContractNode[], topic: string) {
    this.#nodes = nodes;
    this.topic = topic;
  }

  async start(everyMs: number): Promise<void> {
    await Promise.all(this.#nodes.map(({ broker }) => broker.subscribe(this.topic)));
    this.#timer = setInterval(() => {
      for (const [index, node] of this.#nodes.entries()) this.#calls.push(this.#publish(node, index));
    }, everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#calls);
    // What was accepted last is still on its way.
    await pause(200);
  }

  accepted(): Published[] {
    return this.published.filter(({ outcome }) => outcome === 'accepted');
  }

  refused(): Published[] {
    return this.published.filter(({ outcome }) => outcome === 'refused');
  }

  /** How often each accepted message has arrived at a node. */
  arrivals(node: ContractNode): Map<string, number> {
    const arrivals = new Map<string, number>();
    for (const { topic, frame } of node.delivered) {
      if (topic === this.topic) arrivals.set(frame, (arrivals.get(frame) ?? 0) + 1);
    }
    return arrivals;
  }

  /** Accepted messages that a node has not got. */
  missing(node: ContractNode): Published[] {
    const arrivals = this.arrivals(node);
    return this.accepted().filter(({ frame }) => !arrivals.has(frame));
  }

  async #publish(node: ContractNode, index: number): Promise<void> {
    const published: Published = {
      frame: `${index}:${this.published.length}`,
      sentMs: performance.now(),
      outcome: 'pending',
      tookMs: 0,
    };
    this.published.push(published);
    try {
      await node.broker.publish([{ topic: this.topic, frame: published.frame }]);
      published.outcome = 'accepted';
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) throw error;
      published.outcome = 'refused';
    }
    published.tookMs = performance.now() - published.sentMs;
  }
}
