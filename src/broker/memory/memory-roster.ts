import type { Broker } from '../../core/contracts/broker.ts';
import type { FactKind } from '../../core/contracts/outbox.ts';
import type { ChannelCounts, Entered, Member, Roster, RosterEntry } from '../../core/contracts/roster.ts';
import { appIdOf, channelOf, watchTopic } from '../../core/contracts/topic.ts';
import { encodeMemberAdded, encodeMemberRemoved, encodeWatchlistEvents } from '../../protocol/frames.ts';
import type { MemoryOutbox } from './memory-outbox.ts';

interface PresentMember extends Member {
  connections: number;
}

/** One channel's subscriptions: socket id to user id, which is empty unless it is a presence channel. */
interface Channel {
  readonly sockets: Map<string, string>;
  readonly members: Map<string, PresentMember>;
}

const NOBODY: ChannelCounts = Object.freeze({ subscriptionCount: 0, userCount: 0 });

/** The roster of a single node. Changes are told through the broker, whose delivery is a function call there. */
export class MemoryRoster implements Roster {
  readonly #broker: Broker;
  readonly #outbox: Pick<MemoryOutbox, 'tell'>;
  /** App id, then channel: listing an app's channels must not walk over other apps' ones. */
  readonly #apps = new Map<string, Map<string, Channel>>();
  /** Signed-in connections by the user's watch topic. */
  readonly #signedIn = new Map<string, Set<string>>();

  constructor(broker: Broker, outbox: Pick<MemoryOutbox, 'tell'>) {
    this.#broker = broker;
    this.#outbox = outbox;
  }

  async enter(entry: RosterEntry, admit: (entered: Entered) => void): Promise<void> {
    const channel = this.#channelFor(entry.topic);
    const { socketId, member } = entry;
    if (!channel.sockets.has(socketId)) {
      if (member !== undefined && isFull(channel, member, entry.maxMembers)) {
        admit({ outcome: 'full' });
        return;
      }
      if (channel.sockets.size === 0) this.#tell('channel_occupied', entry.topic);
      channel.sockets.set(socketId, member?.userId ?? '');
      if (member !== undefined) await this.#addMember(entry.topic, channel, member);
    }
    admit({
      outcome: 'entered',
      subscriptionCount: channel.sockets.size,
      members: [...channel.members.values()],
    });
  }

  async leave(topic: string, socketId: string): Promise<number> {
    const channels = this.#apps.get(appIdOf(topic));
    const channel = channels?.get(channelOf(topic));
    const userId = channel?.sockets.get(socketId);
    if (channels === undefined || channel === undefined || userId === undefined) {
      return channel?.sockets.size ?? 0;
    }
    channel.sockets.delete(socketId);
    // Others may come and go while the removal is told.
    const left = channel.sockets.size;
    if (left === 0) this.#forget(topic, channels);
    const member = channel.members.get(userId);
    if (member !== undefined) member.connections -= 1;
    const isLast = member?.connections === 0;
    if (isLast) this.#tell('member_removed', topic, userId);
    if (left === 0) this.#tell('channel_vacated', topic);
    if (isLast) {
      channel.members.delete(userId);
      const frame = encodeMemberRemoved(channelOf(topic), userId);
      await this.#broker.publish([{ topic, frame, memberChange: true }]);
    }
    return left;
  }

  async signIn(appId: string, userId: string, socketId: string): Promise<void> {
    const topic = watchTopic(appId, userId);
    const sockets = this.#signedIn.get(topic);
    if (sockets !== undefined) {
      sockets.add(socketId);
      return;
    }
    this.#signedIn.set(topic, new Set([socketId]));
    this.#outbox.tell({ kind: 'user_online', appId, channel: undefined, userId });
    await this.#broker.publish([{ topic, frame: encodeWatchlistEvents('online', [userId]) }]);
  }

  async signOut(appId: string, userId: string, socketId: string): Promise<void> {
    const topic = watchTopic(appId, userId);
    const sockets = this.#signedIn.get(topic);
    if (sockets === undefined || !sockets.delete(socketId) || sockets.size > 0) return;
    this.#signedIn.delete(topic);
    this.#outbox.tell({ kind: 'user_offline', appId, channel: undefined, userId });
    await this.#broker.publish([{ topic, frame: encodeWatchlistEvents('offline', [userId]) }]);
  }

  async online(appId: string, userIds: readonly string[]): Promise<string[]> {
    return userIds.filter((userId) => this.#signedIn.has(watchTopic(appId, userId)));
  }

  async channels(appId: string, prefix: string): Promise<Map<string, ChannelCounts>> {
    const found = new Map<string, ChannelCounts>();
    for (const [name, channel] of this.#apps.get(appId) ?? []) {
      if (name.startsWith(prefix)) found.set(name, countsOf(channel));
    }
    return found;
  }

  async counts(topics: readonly string[]): Promise<ChannelCounts[]> {
    return topics.map((topic) => {
      const channel = this.#find(topic);
      return channel === undefined ? NOBODY : countsOf(channel);
    });
  }

  async userIds(topic: string): Promise<string[]> {
    return [...(this.#find(topic)?.members.keys() ?? [])];
  }

  async close(): Promise<void> {
    this.#apps.clear();
    this.#signedIn.clear();
  }

  #find(topic: string): Channel | undefined {
    return this.#apps.get(appIdOf(topic))?.get(channelOf(topic));
  }

  #channelFor(topic: string): Channel {
    const appId = appIdOf(topic);
    let channels = this.#apps.get(appId);
    if (channels === undefined) {
      channels = new Map();
      this.#apps.set(appId, channels);
    }
    const name = channelOf(topic);
    let channel = channels.get(name);
    if (channel === undefined) {
      channel = { sockets: new Map(), members: new Map() };
      channels.set(name, channel);
    }
    return channel;
  }

  #forget(topic: string, channels: Map<string, Channel>): void {
    channels.delete(channelOf(topic));
    if (channels.size === 0) this.#apps.delete(appIdOf(topic));
  }

  #tell(kind: FactKind, topic: string, userId?: string): void {
    this.#outbox.tell({ kind, appId: appIdOf(topic), channel: channelOf(topic), userId });
  }

  /** A member is added by the first of its connections, whose info stands while it is present. */
  async #addMember(topic: string, channel: Channel, member: Member): Promise<void> {
    const present = channel.members.get(member.userId);
    if (present !== undefined) {
      present.connections += 1;
      return;
    }
    channel.members.set(member.userId, { ...member, connections: 1 });
    this.#tell('member_added', topic, member.userId);
    const frame = encodeMemberAdded(channelOf(topic), member.userId, member.info);
    await this.#broker.publish([{ topic, frame, memberChange: true }]);
  }
}

function isFull(channel: Channel, member: Member, maxMembers: number | undefined): boolean {
  return maxMembers !== undefined && channel.members.size >= maxMembers && !channel.members.has(member.userId);
}

function countsOf(channel: Channel): ChannelCounts {
  return { subscriptionCount: channel.sockets.size, userCount: channel.members.size };
}
