import { watchTopic } from '../../core/contracts/topic.ts';
import {
  MAX_STATUS_SECONDS,
  type StatusChange,
  type UserStatus,
  type UserStatuses,
} from '../../core/contracts/user-status.ts';
import { type Share, Shares } from './shares.ts';

interface Known {
  channels: readonly string[];
  status: StatusChange | undefined;
  usedMs: number;
  share: Share<string>;
}

/** Users that are known of: who of the app with the most has not come or gone for the longest is forgotten. */
const MAX_USER_STATUSES = 100_000;

/** Statuses of a single node, which end with it. */
export class MemoryUserStatuses implements UserStatuses {
  readonly #users = new Map<string, Known>();
  readonly #shares = new Shares<string>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async remember(appId: string, userId: string, channels: readonly string[]): Promise<void> {
    this.#use(appId, userId).channels = channels;
  }

  async change(appId: string, userId: string, change: StatusChange): Promise<readonly string[] | undefined> {
    const known = this.#use(appId, userId);
    if (known.status?.factId === change.factId) return known.channels;
    if ((known.status?.online ?? false) === change.online) return undefined;
    known.status = change;
    return known.channels;
  }

  async read(appId: string, userIds: readonly string[]): Promise<readonly (UserStatus | undefined)[]> {
    return userIds.map((userId) => {
      const known = this.#users.get(watchTopic(appId, userId));
      const isOld = known !== undefined && this.#now() - known.usedMs > MAX_STATUS_SECONDS * 1000;
      if (known?.status === undefined || isOld) return undefined;
      return { online: known.status.online, atMs: known.status.atMs };
    });
  }

  /** The last one that was used stands at the end of its app's. */
  #use(appId: string, userId: string): Known {
    const key = watchTopic(appId, userId);
    const before = this.#users.get(key);
    if (before !== undefined) this.#shares.remove(before.share, key, 0);
    const share = this.#shares.add(appId, key, 0);
    const known = { channels: before?.channels ?? [], status: before?.status, usedMs: this.#now(), share };
    this.#users.set(key, known);
    if (this.#users.size > MAX_USER_STATUSES) this.#forgetOldest();
    return known;
  }

  #forgetOldest(): void {
    const oldest = this.#shares.oldestOfMost('keys');
    const known = oldest === undefined ? undefined : this.#users.get(oldest);
    if (oldest === undefined || known === undefined) return;
    this.#shares.remove(known.share, oldest, 0);
    this.#users.delete(oldest);
  }
}
