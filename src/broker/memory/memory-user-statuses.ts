import { watchTopic } from '../../core/contracts/topic.ts';
import {
  MAX_STATUS_SECONDS,
  type StatusChange,
  type UserStatus,
  type UserStatuses,
} from '../../core/contracts/user-status.ts';

interface Known {
  channels: readonly string[];
  status: StatusChange | undefined;
  usedMs: number;
}

/** Users that are known of: who has not come or gone for the longest is forgotten. */
const MAX_USER_STATUSES = 100_000;

/** Statuses of a single node, which end with it. */
export class MemoryUserStatuses implements UserStatuses {
  readonly #users = new Map<string, Known>();
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

  /** The last one that was used stands at the end. */
  #use(appId: string, userId: string): Known {
    const key = watchTopic(appId, userId);
    const known = this.#users.get(key) ?? { channels: [], status: undefined, usedMs: 0 };
    known.usedMs = this.#now();
    this.#users.delete(key);
    const [oldest] = this.#users.keys();
    if (this.#users.size >= MAX_USER_STATUSES && oldest !== undefined) this.#users.delete(oldest);
    this.#users.set(key, known);
    return known;
  }
}
