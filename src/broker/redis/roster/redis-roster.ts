import type { ChannelCounts, Entered, Left, Roster, RosterEntry } from '../../../core/contracts/roster.ts';
import { channelOf, watchTopic } from '../../../core/contracts/topic.ts';
import { type Holding, Holdings } from '../lease/holdings.ts';
import { Lease } from '../lease/lease.ts';
import type { LeasedEntries } from '../lease/leased-entries.ts';
import { READ_COUNTS, READ_OCCUPIED } from '../scripts/counts.ts';
import { ALL_NODES, FORGET_LEASE } from '../scripts/lease.ts';
import { READ_USER_IDS, REMOVE_MEMBERS_OF } from '../scripts/members.ts';
import type { Message, MessageObserver } from '../scripts/messages.ts';
import { FORGET_PLACES } from '../scripts/quotas.ts';
import { type RedisStore, UNTIL_DONE } from '../wire/store.ts';
import { CountedEntries } from './counted-entries.ts';
import { PresenceEntries } from './presence-entries.ts';
import { Recordings } from './recordings.ts';
import { WatchedUsers } from './watched-users.ts';

const BURIED_AT_ONCE = 100;
const NOBODY: ChannelCounts = Object.freeze({ subscriptionCount: 0, userCount: 0 });

/**
 * Who is where, in Redis. What this node has is kept here as well: that is what is written to Redis, again and again
 * until Redis has it, and anew where Redis or the others have lost it.
 *
 * A topic's entries have members, all of them, or none has.
 */
export class RedisRoster implements Roster, MessageObserver {
  readonly lease: Lease;
  readonly index: Holdings;
  readonly #store: RedisStore;
  readonly #recordings = new Recordings();
  readonly #counted: CountedEntries;
  readonly #users: CountedEntries;
  readonly #presence: PresenceEntries;
  readonly #watched: WatchedUsers;
  readonly #leased: LeasedEntries[] = [];
  #closed = false;

  /** @param deliver gives a frame to this node's own subscribers */
  constructor(store: RedisStore, deliver: (topic: string, frame: string) => void) {
    this.#store = store;
    this.lease = new Lease(store, {
      replaced: (former) => this.#replaced(former),
      bury: (incarnation) => this.#bury(incarnation),
      renewed: () => void this.#tidy(),
    });
    const { lease } = this;
    this.index = new Holdings(store, lease);
    const { index } = this;
    this.#counted = new CountedEntries('counted', store, lease, index);
    this.#users = new CountedEntries('user', store, lease, index);
    this.#presence = new PresenceEntries({ store, lease, index, recordings: this.#recordings, deliver });
    this.#watched = new WatchedUsers(store, deliver);
    store.listen({
      message: () => undefined,
      interrupted: (matches, loss) => void this.#interrupted(matches, loss),
      ready: () => lease.check(),
      dropped: (topic) => this.#watched.forget(topic),
    });
  }

  start(): void {
    this.lease.start();
  }

  /** What else has entries under the node's lease. */
  addLeased(entries: LeasedEntries): void {
    this.#leased.push(entries);
  }

  async enter(entry: RosterEntry, admit: (entered: Entered) => void): Promise<void> {
    const { topic, socketId, member } = entry;
    if (member !== undefined) {
      await this.#presence.enter(entry, member, admit);
      return;
    }
    const start = this.#recordings.begin(topic);
    try {
      await this.#counted.add(topic, socketId, ({ turned, total }) => {
        admit({
          outcome: 'entered',
          occupied: turned,
          subscriptionCount: total,
          members: [],
          missed: this.#recordings.since(topic, start, socketId),
        });
      });
    } finally {
      this.#recordings.end(topic);
    }
  }

  async leave(topic: string, socketId: string): Promise<Left> {
    if (this.#presence.has(topic)) return this.#presence.leave(topic, socketId);
    if (this.#counted.has(topic)) {
      const { turned, total } = await this.#counted.remove(topic, socketId);
      return { vacated: turned, subscriptionCount: total };
    }
    const [counts = NOBODY] = await this.counts([topic]);
    return { vacated: false, subscriptionCount: counts.subscriptionCount };
  }

  async signIn(appId: string, userId: string, socketId: string): Promise<boolean> {
    return (await this.#users.add(watchTopic(appId, userId), socketId)).turned;
  }

  async signOut(appId: string, userId: string, socketId: string): Promise<boolean> {
    const topic = watchTopic(appId, userId);
    if (!this.#users.has(topic)) return false;
    return (await this.#users.remove(topic, socketId)).turned;
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

  /** Removes what is left of this node; what cannot be removed now is left to the others. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const incarnation of await this.lease.end()) {
      try {
        if (this.#store.isReady()) await this.#bury(incarnation);
      } catch (error) {
        this.#store.logger.warn({ err: error }, 'the entries of this node are left to the others to remove');
        return;
      }
    }
  }

  frame(topic: string, frame: string, exceptSocketId: string | undefined): void {
    this.#recordings.frame(topic, frame, exceptSocketId);
  }

  change(topic: string, change: Exclude<Message, { kind: 'frame' }>): void {
    if (change.kind === 'user') this.#watched.change(topic, change.version, change.online);
    else this.#presence.change(topic, change);
  }

  async #interrupted(matches: (bucket: number) => boolean, loss: boolean): Promise<void> {
    // What is written under a new incarnation replaces what Redis still has, and what it has too much of is removed
    // with the old.
    if (loss) this.lease.replace();
    await this.#follow(matches, loss);
  }

  async #replaced(former: readonly string[]): Promise<void> {
    const all: readonly LeasedEntries[] = [this.#presence, this.#counted, this.#users, ...this.#leased];
    await Promise.all(all.map((entries) => entries.rewrite()));
    for (const incarnation of former) await this.#bury(incarnation);
    await this.#follow(() => true, true);
  }

  async #follow(matches: (bucket: number) => boolean, loss: boolean): Promise<void> {
    try {
      await Promise.all([this.#presence.followAll(matches, loss), this.#watched.followAll(matches, loss)]);
    } catch (error) {
      this.#store.logger.debug({ err: error }, 'Redis went away while this node read what it had missed');
    }
  }

  /** Can be repeated, and done by several nodes at once: what is gone already is not removed again. */
  async #bury(incarnation: string): Promise<void> {
    let buried = 0;
    await this.index.read(incarnation, async (held) => {
      buried += held.length;
      for (let at = 0; at < held.length; at += BURIED_AT_ONCE) {
        await Promise.all(held.slice(at, at + BURIED_AT_ONCE).map((one) => this.#buryOne(one, incarnation)));
      }
    });
    await this.index.forget(incarnation);
    await this.#store.run(FORGET_LEASE, ALL_NODES, [incarnation], this.#store.patience());
    if (buried > 0) this.#store.logger.info({ incarnation, buried }, 'the entries of an ended lease have been removed');
  }

  async #buryOne({ kind, topic }: Holding, incarnation: string): Promise<void> {
    switch (kind) {
      case 'counted':
        await this.#counted.bury(topic, incarnation);
        return;
      case 'user':
        await this.#users.bury(topic, incarnation);
        return;
      case 'members':
        await this.#store.run(REMOVE_MEMBERS_OF, topic, [channelOf(topic), incarnation], UNTIL_DONE);
        return;
      case 'places':
        await this.#store.run(FORGET_PLACES, topic, [incarnation], this.#store.patience());
    }
  }

  async #tidy(): Promise<void> {
    try {
      await this.index.tidy();
    } catch (error) {
      this.#store.logger.debug({ err: error }, 'the list of what this node holds could not be shortened');
    }
  }
}
