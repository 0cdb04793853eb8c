import type { SavedSession, SessionStore } from '../../../core/contracts/session-store.ts';
import { topicOf } from '../../../core/contracts/topic.ts';
import { parseJson } from '../../../protocol/frames.ts';
import { CLAIM_SESSION, SAVE_SESSION } from '../scripts/sessions.ts';
import type { RedisStore } from '../wire/store.ts';

/** A session as it is kept: socket ids, then channels with epoch and offset. */
type Written = readonly [readonly string[], ReadonlyArray<readonly [string, string, number]>];

/** Sessions that resume on any node, whichever had them. */
export class RedisSessionStore implements SessionStore {
  readonly #store: RedisStore;
  readonly #retentionMs: number;

  /** @param retentionSeconds a session is kept for so long after it was last saved */
  constructor(store: RedisStore, retentionSeconds: number) {
    this.#store = store;
    this.#retentionMs = retentionSeconds * 1000;
  }

  async claim(appId: string, session: string, socketId: string): Promise<SavedSession | undefined> {
    const args = [socketId, this.#retentionMs] as const;
    const saved = await this.#store.run(CLAIM_SESSION, topicOf(appId, session), args, this.#store.patience());
    return saved === undefined ? undefined : read(saved);
  }

  async save(appId: string, session: string, socketId: string, saved: SavedSession): Promise<boolean> {
    const channels = [...saved.channels].map(([channel, { epoch, offset }]) => [channel, epoch, offset] as const);
    const written: Written = [saved.socketIds, channels];
    const args = [socketId, this.#retentionMs, JSON.stringify(written)] as const;
    return this.#store.run(SAVE_SESSION, topicOf(appId, session), args, this.#store.patience());
  }
}

function read(text: string): SavedSession {
  const [socketIds, channels] = parseJson(text) as Written;
  return {
    socketIds,
    channels: new Map(channels.map(([channel, epoch, offset]) => [channel, { epoch, offset }])),
  };
}
