import type { WantsFact } from '../../../core/contracts/outbox.ts';
import type { ChannelCounts, Entered, Roster, RosterEntry } from '../../../core/contracts/roster.ts';
import { channelOf, watchTopic } from '../../../core/contracts/topic.ts';
import type { NodeEntries } from '../lease/node-entries.ts';
import { READ_COUNTS, READ_OCCUPIED } from '../scripts/counts.ts';
import { READ_USER_IDS } from '../scripts/members.ts';
import type { Message, MessageObserver } from '../scripts/messages.ts';
import type { RedisStore } from '../wire/store.ts';
import { CountedEntries } from './counted-entries.ts';
import { PresenceEntries } from './presence-entries.ts';
import { WatchedUsers } from './watched-users.ts';

const NOBODY: ChannelCounts = Object.freeze({ subscriptionCount: 0, userCount: 0 });

/**
 * Who is where, in Redis. What this node has stands in its memory as well. That is what it writes to Redis, until Redis
 * has it, and again if Redis or the other nodes have lost it.
 *
 * Either all entries of a topic have members, or none has.
 */
export class RedisRoster implements Roster, MessageObserver {
  readonly #store: RedisStore;
  readonly #node: NodeEntries;
  readonly #subscriptions: CountedEntries;
  readonly #signIns: CountedEntries;
  readonly #presence: PresenceEntries;
  readonly #watched: WatchedUsers;

  /** @param deliver gives a frame to this node's own subscribers */
  constructor(store: RedisStore, node: NodeEntries, wants: WantsFact, deliver: (topic: string, frame: string) => void) {
    this.#store = store;
    this.#node = node;
    this.#subscriptions = new CountedEntries('subscriptions', store, node, wants);
    this.#signIns = new CountedEntries('sign-ins', store, node, wants);
    this.#presence = new PresenceEntries({ store, node, wants, deliver });
    this.#watched = new WatchedUsers(store, deliver);
    node.whenRewritten(() => this.#follow(() => true, true));
    store.listen({
      message: () => undefined,
      interrupted: (matches, loss) => void this.#follow(matches, loss),
      ready: () => undefined,
      dropped: (topic) => this.#watched.forget(topic),
    });
  }

  async enter(entry: RosterEntry, admit: (entered: Entered) => void): Promise<void> {
    const { topic, socketId, member } = entry;
    if (member !== undefined) {
      await this.#presence.enter(entry, member, admit);
      return;
    }
    await this.#subscriptions.add(topic, socketId, (subscriptionCount) => {
      admit({ outcome: 'entered', subscriptionCount, members: [] });
    });
  }

  async leave(topic: string, socketId: string): Promise<number> {
    if (this.#presence.has(topic)) return this.#presence.leave(topic, socketId);
    if (this.#subscriptions.has(topic)) return this.#subscriptions.remove(topic, socketId);
    const [counts = NOBODY] = await this.counts([topic]);
    return counts.subscriptionCount;
  }

  async signIn(appId: string, userId: string, socketId: string): Promise<void> {
    await this.#signIns.add(watchTopic(appId, userId), socketId);
  }

  async signOut(appId: string, userId: string, socketId: string): Promise<void> {
    const topic = watchTopic(appId, userId);
    if (this.#signIns.has(topic)) await this.#signIns.remove(topic, socketId);
  }

  async online(appId: string, userIds: readonly string[]): Promise<string[]> {
    const online = await this.#watched.read(userIds.map((userId) => watchTopic(appId, userId)));
    return userIds.filter((_, index) => online[index]);
  }

  async channels(appId: string, prefix: string): Promise<Map<string, ChannelCounts>> {
    const listings = await this.#store.runOnBuckets(READ_OCCUPIED, appId, [prefix], this.#store.patience());
    return new Map(listings.flat());
  }

  async counts(topics: readonly string[]): Promise<ChannelCounts[]> {
    const effort = this.#store.patience();
    const listed = await Promise.all(
      topics.map((topic) => this.#store.run(READ_COUNTS, topic, [channelOf(topic)], effort)),
    );
    return listed.map((counts) => counts ?? NOBODY);
  }

  userIds(topic: string): Promise<string[]> {
    return this.#store.run(READ_USER_IDS, topic, [], this.#store.patience());
  }

  async close(): Promise<void> {
    await this.#node.close();
  }

  change(topic: string, change: Exclude<Message, { kind: 'frame' }>): void {
    if (change.kind === 'user') this.#watched.change(topic, change.version, change.online);
    else this.#presence.change(topic, change);
  }

  async #follow(matches: (bucket: number) => boolean, loss: boolean): Promise<void> {
    try {
      await Promise.all([this.#presence.followAll(matches, loss), this.#watched.followAll(matches, loss)]);
    } catch (error) {
      this.#store.logger.debug({ err: error }, 'Redis went away while this node read what it had missed');
    }
  }
}
