import type { App } from './app.ts';

/** What backends are limited in, each by its own setting of the app. */
export type QuotaKind = 'triggers' | 'reads';

/** Counts what an app uses against its limits, over all nodes. A limit of 0 is no limit. */
export interface Quotas {
  /** Takes a place for a connection; false if `maxConnections` are taken. */
  connect(app: App, socketId: string): Promise<boolean>;
  /** Gives the place back; unknown ids are fine. */
  disconnect(app: App, socketId: string): Promise<void>;
  /** Takes `count` of this second's allowance: 0, or the seconds to wait before asking again. */
  take(app: App, kind: QuotaKind, count: number): Promise<number>;
}
