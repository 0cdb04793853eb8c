import { watchTopic } from '../../../core/contracts/topic.ts';
import {
  MAX_STATUS_SECONDS,
  type StatusChange,
  type UserStatus,
  type UserStatuses,
} from '../../../core/contracts/user-status.ts';
import { parseJson } from '../../../protocol/frames.ts';
import { CHANGE_STATUS, READ_STATUS, REMEMBER_STATUS_CHANNELS } from '../scripts/user-status.ts';
import type { RedisStore } from '../wire/store.ts';

const KEEP_MS = MAX_STATUS_SECONDS * 1000;

/** Statuses that all nodes know. */
export class RedisUserStatuses implements UserStatuses {
  readonly #store: RedisStore;

  constructor(store: RedisStore) {
    this.#store = store;
  }

  async remember(appId: string, userId: string, channels: readonly string[]): Promise<void> {
    const args = [JSON.stringify(channels), KEEP_MS] as const;
    await this.#store.run(REMEMBER_STATUS_CHANNELS, watchTopic(appId, userId), args, this.#store.patience());
  }

  async change(
    appId: string,
    userId: string,
    { online, atMs, factId }: StatusChange,
  ): Promise<readonly string[] | undefined> {
    const args = [online ? '1' : '0', atMs, factId, KEEP_MS] as const;
    const channels = await this.#store.run(CHANGE_STATUS, watchTopic(appId, userId), args, this.#store.patience());
    return channels === undefined ? undefined : (parseJson(channels) as readonly string[]);
  }

  async read(appId: string, userIds: readonly string[]): Promise<readonly (UserStatus | undefined)[]> {
    const effort = this.#store.patience();
    return await Promise.all(
      userIds.map((userId) => this.#store.run(READ_STATUS, watchTopic(appId, userId), [], effort)),
    );
  }
}
