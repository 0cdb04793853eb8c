import type { Entered, Member, RosterEntry } from '../../../core/contracts/roster.ts';
import { channelOf } from '../../../core/contracts/topic.ts';
import { encodeMemberAdded, encodeMemberRemoved } from '../../../protocol/frames.ts';
import type { LeasedEntries } from '../lease/leased-entries.ts';
import type { MemberChange } from '../scripts/messages.ts';
import { inBatches } from '../wire/batches.ts';
import { bucketOf } from '../wire/keys.ts';
import { removeMembersOf } from './member-writes.ts';
import { PresenceChannel } from './presence-channel.ts';
import type { PresenceContext } from './presence-context.ts';

const CHANNELS_AT_ONCE = 200;

/** This node's presence channels. */
export class PresenceEntries implements LeasedEntries {
  readonly #channels = new Map<string, PresenceChannel>();
  readonly #context: PresenceContext<PresenceChannel>;
  readonly #leaseMs: number;
  /** By `performance.now()`: until then Redis may lack a member just because its node has not written it again yet. */
  #lossUntil = 0;

  constructor(options: Pick<PresenceContext<PresenceChannel>, 'store' | 'node' | 'wants' | 'deliver'>) {
    const { store, node } = options;
    this.#leaseMs = store.settings.leaseSeconds * 1000;
    this.#context = {
      ...options,
      logger: store.logger,
      acceptMs: store.settings.acceptTimeoutSeconds * 1000,
      follow: (channel) => void this.#follow(channel),
      suspect: (channel) => {
        node.lease.check();
        void this.#followLost([channel]);
      },
      empty: (channel) => {
        // Another one may have taken its place already, and holds the topic.
        if (this.#channels.get(channel.topic) !== channel) return;
        this.#channels.delete(channel.topic);
        node.release('members', channel.topic);
      },
    };
    node.add('members', this);
  }

  enter(entry: RosterEntry, member: Member, admit: (entered: Entered) => void): Promise<void> {
    return this.#channelOf(entry.topic).enter(entry, member, admit);
  }

  leave(topic: string, socketId: string): Promise<number> {
    return this.#channelOf(topic).leave(socketId);
  }

  has(topic: string): boolean {
    return this.#channels.has(topic);
  }

  /** A change that the topic brought; passed on as it is if nobody here is in the channel. */
  change(topic: string, change: MemberChange): void {
    const channel = this.#channels.get(topic);
    if (channel !== undefined) {
      channel.change(change);
      return;
    }
    const { kind, userId, info } = change;
    const name = channelOf(topic);
    const frame = kind === 'added' ? encodeMemberAdded(name, userId, info) : encodeMemberRemoved(name, userId);
    this.#context.deliver(topic, frame);
  }

  rewrite(): Promise<void> {
    return inBatches([...this.#channels.values()], CHANNELS_AT_ONCE, (channel) => channel.catchUp());
  }

  bury(topic: string, incarnation: string): Promise<void> {
    return removeMembersOf(this.#context.store, topic, incarnation, this.#context.wants);
  }

  /**
   * Messages may have been missed. If Redis has lost data, members that are not there are given a lease's time to be
   * written again by their nodes, before this node's subscribers are told that they have gone.
   */
  async followAll(matches: (bucket: number) => boolean, loss: boolean): Promise<void> {
    const channels = [...this.#channels.values()].filter(({ topic }) => matches(bucketOf(topic)));
    if (loss) await this.#followLost(channels);
    else await this.#followEach(channels);
  }

  async #followLost(channels: readonly PresenceChannel[]): Promise<void> {
    this.#lossUntil = performance.now() + this.#leaseMs;
    // A little later than that, as timers may come early.
    setTimeout(() => void this.#followEach(channels), this.#leaseMs + 20).unref();
    await this.#followEach(channels);
  }

  #followEach(channels: readonly PresenceChannel[]): Promise<void> {
    return inBatches(channels, CHANNELS_AT_ONCE, (channel) => this.#follow(channel));
  }

  #channelOf(topic: string): PresenceChannel {
    let channel = this.#channels.get(topic);
    if (channel === undefined) {
      channel = new PresenceChannel(topic, this.#context);
      this.#channels.set(topic, channel);
    }
    return channel;
  }

  /** If Redis cannot be asked now, the members are read once it can. */
  async #follow(channel: PresenceChannel): Promise<void> {
    try {
      // Asked when Redis has answered: changes arrive before it is known that the connection was away.
      await channel.follow(() => performance.now() >= this.#lossUntil);
    } catch (error) {
      this.#context.logger.debug({ err: error, topic: channel.topic }, 'the members could not be read');
    }
  }
}
