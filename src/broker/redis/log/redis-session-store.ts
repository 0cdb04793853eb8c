import type { SavedSession, SessionStore } from '../../../core/contracts/session-store.ts';
import { topicOf } from '../../../core/contracts/topic.ts';
import { parseJson } from '../../../protocol/frames.ts';
import { CLAIM_SESSION, SAVE_SESSION } from '../scripts/log-scripts.ts';
import { bucketOf } from '../wire/keys.ts';
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
    const name = topicOf(appId, session);
    const args = [socketId, this.#retentionMs];
    const keys = [this.#store.key('r', name)];
    const reply = await this.#store.script(CLAIM_SESSION, bucketOf(name), keys, args, this.#store.patience());
    return typeof reply === 'string' ? read(reply) : undefined;
  }

  async save(appId: string, session: string, socketId: string, saved: SavedSession): Promise<boolean> {
    const name = topicOf(appId, session);
    const channels = [...saved.channels].map(([channel, { epoch, offset }]) => [channel, epoch, offset] as const);
    const written: Written = [saved.socketIds, channels];
    const args = [socketId, this.#retentionMs, JSON.stringify(written)];
    const keys = [this.#store.key('r', name)];
    return (await this.#store.script(SAVE_SESSION, bucketOf(name), keys, args, this.#store.patience())) === 1;
  }
}

function read(text: string): SavedSession {
  const [socketIds, channels] = parseJson(text) as Written;
  return {
    socketIds,
    channels: new Map(channels.map(([channel, epoch, offset]) => [channel, { epoch, offset }])),
  };
}
