import { watchedUserOf } from '../../../core/contracts/topic.ts';
import { encodeWatchlistEvents } from '../../../protocol/frames.ts';
import { READ_ONLINE } from '../scripts/counts.ts';
import { batchesOf } from '../wire/batches.ts';
import { bucketOf } from '../wire/keys.ts';
import type { Effort, RedisStore } from '../wire/store.ts';

interface Known {
  version: number;
  online: boolean;
}

const TOPICS_AT_ONCE = 500;

/** Whether the users that this node's connections watch are online, as those have been told. */
export class WatchedUsers {
  readonly #store: RedisStore;
  readonly #deliver: (topic: string, frame: string) => void;
  readonly #known = new Map<string, Known>();
  readonly #leaseMs: number;

  constructor(store: RedisStore, deliver: (topic: string, frame: string) => void) {
    this.#store = store;
    this.#deliver = deliver;
    this.#leaseMs = store.settings.leaseSeconds * 1000;
  }

  /** What a watch topic brought: told unless it is known. */
  change(topic: string, version: number, online: boolean): void {
    const known = this.#known.get(topic);
    if (known === undefined) {
      this.#known.set(topic, { version, online });
      this.#tell(topic, online);
      return;
    }
    if (version <= known.version) return;
    known.version = version;
    if (known.online === online) return;
    known.online = online;
    this.#tell(topic, online);
  }

  /** Asks Redis, for somebody who is told the answer. */
  async read(topics: readonly string[]): Promise<boolean[]> {
    const effort = this.#store.patience();
    return Promise.all(
      topics.map(async (topic) => {
        const { version, online } = await this.#ask(topic, effort);
        const known = this.#known.get(topic);
        if (known === undefined && this.#store.topics.has(topic)) this.#known.set(topic, { version, online });
        return online;
      }),
    );
  }

  forget(topic: string): void {
    this.#known.delete(topic);
  }

  /** Messages may have been missed; if Redis has lost data, users get a lease's time to be written again. */
  async followAll(matches: (bucket: number) => boolean, loss: boolean): Promise<void> {
    await this.#follow(matches, !loss);
    if (!loss) return;
    setTimeout(() => {
      this.#follow(matches, true).catch((error: unknown) => this.#missed(error));
    }, this.#leaseMs).unref();
  }

  async #follow(matches: (bucket: number) => boolean, offline: boolean): Promise<void> {
    const topics = [...this.#known.keys()].filter((topic) => matches(bucketOf(topic)));
    for (const some of batchesOf(topics, TOPICS_AT_ONCE)) {
      const effort = this.#store.patience();
      const answers = await Promise.all(some.map((topic) => this.#ask(topic, effort)));
      for (const [index, topic] of some.entries()) {
        const answer = answers[index];
        if (answer !== undefined && (answer.online || offline)) this.change(topic, answer.version, answer.online);
      }
    }
  }

  #ask(topic: string, effort: Effort): Promise<Known> {
    return this.#store.run(READ_ONLINE, topic, [], effort);
  }

  #tell(topic: string, online: boolean): void {
    this.#deliver(topic, encodeWatchlistEvents(online ? 'online' : 'offline', [watchedUserOf(topic)]));
  }

  #missed(error: unknown): void {
    this.#store.logger.debug({ err: error }, 'whether watched users are online could not be read');
  }
}
