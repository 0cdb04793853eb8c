import type { ChannelCounts, Entered, Left, Roster, RosterEntry } from '../../../core/contracts/roster.ts';
import { appIdOf, channelOf, watchTopic } from '../../../core/contracts/topic.ts';
import type { MessageObserver } from '../redis-broker.ts';
import { removeMembersOf } from '../scripts/presence-scripts.ts';
import { READ_CHANNELS } from '../scripts/scripts.ts';
import { BUCKETS, bucketOf, COMMON_BUCKET } from '../wire/keys.ts';
import type { Message } from '../wire/messages.ts';
import type { RedisStore } from '../wire/store.ts';
import { CountedEntries } from './counted-entries.ts';
import { type Holding, Holdings } from './holdings.ts';
import { Lease } from './lease.ts';
import { PresenceEntries } from './presence-entries.ts';
import { Recordings } from './recordings.ts';
import { WatchedUsers } from './watched-users.ts';

/** Who also has entries under the node's lease. */
export interface Tenant {
  rewrite(): Promise<void>;
}

const BURIED_AT_ONCE = 100;
const BUCKETS_AT_ONCE = 32;
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
  readonly #tenants: Tenant[] = [];
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

  addTenant(tenant: Tenant): void {
    this.#tenants.push(tenant);
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
    const effort = this.#store.patience();
    // Keys of one script are of one slot in a Cluster; elsewhere, few scripts that are short enough to hold nobody up.
    const perScript = this.#store.sharded ? 1 : BUCKETS_AT_ONCE;
    const listings = await Promise.all(
      Array.from({ length: BUCKETS / perScript }, (_, group) => {
        const first = group * perScript;
        const keys = Array.from({ length: perScript }, (_, at) => this.#store.keys.key(first + at, 'i', appId));
        return this.#store.script(READ_CHANNELS, first, keys, [prefix], effort);
      }),
    );
    const found = new Map<string, ChannelCounts>();
    for (const listing of listings) {
      const flat = Array.isArray(listing) ? (listing as unknown[]) : [];
      for (let at = 0; at + 1 < flat.length; at += 2) {
        found.set(String(flat[at]), readCounts(flat[at + 1]));
      }
    }
    return found;
  }

  async counts(topics: readonly string[]): Promise<ChannelCounts[]> {
    const effort = this.#store.patience();
    return Promise.all(
      topics.map(async (topic) => {
        const bucket = bucketOf(topic);
        const key = this.#store.keys.key(bucket, 'i', appIdOf(topic));
        return readCounts(await this.#store.command(bucket, ['HGET', key, channelOf(topic)], effort));
      }),
    );
  }

  async userIds(topic: string): Promise<string[]> {
    const bucket = bucketOf(topic);
    const key = this.#store.keys.key(bucket, 'm', topic);
    const reply = await this.#store.command(bucket, ['HKEYS', key], this.#store.patience());
    return Array.isArray(reply) ? (reply as unknown[]).map(String) : [];
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
    const entries: readonly Tenant[] = [this.#presence, this.#counted, this.#users, ...this.#tenants];
    await Promise.all(entries.map((tenant) => tenant.rewrite()));
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
    const { keys } = this.#store;
    const effort = this.#store.patience();
    await Promise.all(
      (['l', 'd'] as const).map((kind) =>
        this.#store.command(COMMON_BUCKET, ['ZREM', keys.key(COMMON_BUCKET, kind, ''), incarnation], effort),
      ),
    );
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
        await removeMembersOf(this.#store, topic, incarnation);
        return;
      case 'places': {
        const command = ['HDEL', this.#store.key('n', topic), incarnation] as const;
        await this.#store.command(bucketOf(topic), command, this.#store.patience());
      }
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

/** `subscriptions users`. */
function readCounts(stored: unknown): ChannelCounts {
  if (typeof stored !== 'string') return NOBODY;
  const space = stored.indexOf(' ');
  return { subscriptionCount: Number(stored.slice(0, space)), userCount: Number(stored.slice(space + 1)) };
}
