import type { Sample } from '../../src/admin/history.ts';

export type { FoundConnections } from '../../src/admin/cluster-queries.ts';
export type { ConnectionStory, ConnectionSummary } from '../../src/admin/connection-view.ts';
export type { Sample } from '../../src/admin/history.ts';
export type { TailBatch, TailEntry } from '../../src/admin/tail.ts';
export type { Explanation } from '../../src/core/contracts/explanation.ts';

/** A node with its last figures, which it lacks in its first seconds. */
export interface Figures extends Partial<Sample> {
  readonly id: string;
  readonly version: string;
  readonly ready: boolean;
  readonly startedAtMs: number;
  readonly heardAtMs: number;
}

export interface AppSummary {
  readonly id: string;
  readonly key: string;
  readonly enabled: boolean;
}

export interface Overview {
  readonly node: string;
  readonly apps: readonly AppSummary[];
  readonly nodes: readonly Figures[];
  readonly samples: readonly Sample[];
  readonly canExplain: boolean;
  readonly canReload: boolean;
}

export interface ChannelRow {
  readonly name: string;
  readonly access: 'public' | 'private' | 'presence';
  readonly encrypted: boolean;
  readonly cache: boolean;
  readonly subscriptionCount: number;
  readonly userCount: number;
}
