/** What one app has of something, the oldest first. */
export interface Share<Key> {
  readonly appId: string;
  readonly keys: Set<Key>;
  bytes: number;
}

/** What each app has of something that is bounded for all of them: whoever has the most makes room. */
export class Shares<Key> {
  readonly #apps = new Map<string, Share<Key>>();

  /** Adds a key of an app, as its newest. */
  add(appId: string, key: Key, bytes: number): Share<Key> {
    let share = this.#apps.get(appId);
    if (share === undefined) {
      share = { appId, keys: new Set(), bytes: 0 };
      this.#apps.set(appId, share);
    }
    share.keys.add(key);
    share.bytes += bytes;
    return share;
  }

  remove(share: Share<Key>, key: Key, bytes: number): void {
    if (!share.keys.delete(key)) return;
    share.bytes -= bytes;
    if (share.keys.size === 0) this.#apps.delete(share.appId);
  }

  /** The oldest key of the app that has the most keys, or bytes; undefined if there is none. */
  oldestOfMost(by: 'keys' | 'bytes'): Key | undefined {
    const amount = ({ keys, bytes }: Share<Key>) => (by === 'keys' ? keys.size : bytes);
    let most: Share<Key> | undefined;
    for (const share of this.#apps.values()) if (most === undefined || amount(share) > amount(most)) most = share;
    const [oldest] = most?.keys ?? [];
    return oldest;
  }

  /** The oldest of each app. */
  *oldest(): Generator<Key> {
    for (const { keys } of this.#apps.values()) {
      const [oldest] = keys;
      if (oldest !== undefined) yield oldest;
    }
  }

  clear(): void {
    this.#apps.clear();
  }
}
