import type { Current } from '../../../core/contracts/current.ts';
import {
  type ClaimedSession,
  type SavedSession,
  type SessionOwner,
  type SessionStore,
  sessionBytes,
  withinBounds,
} from '../../../core/contracts/session-store.ts';
import type { SessionRetention } from '../../../core/contracts/shared-state.ts';
import { topicOf } from '../../../core/contracts/topic.ts';
import { parseJson } from '../../../protocol/frames.ts';
import { CHARGE_SESSION, CLAIM_SESSION, FORGET_SESSION, SAVE_SESSION, SHARE_SESSION } from '../scripts/sessions.ts';
import type { RedisStore } from '../wire/store.ts';

/** A session as it is kept: socket ids, then channels with epoch and offset. */
type Written = readonly [readonly string[], ReadonlyArray<readonly [string, string, number]>];

/** Sessions that resume on any node, whichever had them. */
export class RedisSessionStore implements SessionStore {
  readonly #store: RedisStore;
  readonly #retention: Current<SessionRetention>;

  constructor(store: RedisStore, retention: Current<SessionRetention>) {
    this.#store = store;
    this.#retention = retention;
  }

  get #retentionMs(): number {
    return this.#retention().sessionSeconds * 1000;
  }

  async claim(owner: SessionOwner): Promise<ClaimedSession> {
    const bytes = sessionBytes(undefined);
    const args = [owner.socketId, owner.node, this.#retentionMs, bytes, owner.address] as const;
    const claimed = await this.#store.run(CLAIM_SESSION, keyOf(owner), args, this.#store.patience());
    if (claimed.isNew) await this.#charge(owner, bytes);
    const { saved, holder, isShared } = claimed;
    return { saved: saved === undefined ? undefined : read(saved), holder, isShared };
  }

  save(owner: SessionOwner, saved: SavedSession): Promise<boolean> {
    return this.#save(owner, saved, owner.node);
  }

  release(owner: SessionOwner, saved: SavedSession): Promise<boolean> {
    return this.#save(owner, saved, '');
  }

  async share(owner: SessionOwner): Promise<void> {
    await this.#store.run(SHARE_SESSION, keyOf(owner), [this.#retentionMs], this.#store.patience());
  }

  async #save(owner: SessionOwner, saved: SavedSession, node: string): Promise<boolean> {
    const within = withinBounds(saved, this.#retention().session);
    const channels = [...within.channels].map(([channel, { epoch, offset }]) => [channel, epoch, offset] as const);
    const written: Written = [within.socketIds, channels];
    const bytes = sessionBytes(within);
    const args = [owner.socketId, node, this.#retentionMs, JSON.stringify(written), bytes, owner.address] as const;
    const { isSaved, isDue } = await this.#store.run(SAVE_SESSION, keyOf(owner), args, this.#store.patience());
    if (isDue) await this.#charge(owner, bytes);
    return isSaved;
  }

  /** Keeps what the owner's address has left within bounds. */
  async #charge(owner: SessionOwner, bytes: number): Promise<void> {
    const args = [keyOf(owner), bytes, this.#retentionMs, this.#retention().session.maxBytesPerAddress] as const;
    const forgotten = await this.#store.run(CHARGE_SESSION, owner.address, args, this.#store.patience());
    await Promise.all(
      forgotten.map((session) => this.#store.run(FORGET_SESSION, session, [owner.address], this.#store.patience())),
    );
  }
}

/** What the session's keys belong to. */
function keyOf({ appId, session }: SessionOwner): string {
  return topicOf(appId, session);
}

function read(text: string): SavedSession {
  const [socketIds, channels] = parseJson(text) as Written;
  return {
    socketIds,
    channels: new Map(channels.map(([channel, epoch, offset]) => [channel, { epoch, offset }])),
  };
}
