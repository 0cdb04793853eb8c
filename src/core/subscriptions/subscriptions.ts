import { type ChannelKind, channelKind, printable } from '../../protocol/channel-name.ts';
import { counted } from '../../protocol/counted.ts';
import { ERROR_CODES } from '../../protocol/error-codes.ts';
import {
  dataObject,
  encodeSubscriptionError,
  encodeSubscriptionSucceeded,
  type JsonObject,
  presenceData,
} from '../../protocol/frames.ts';
import type { Close } from '../connection/close.ts';
import type { Connection, Subscription } from '../connection/connection.ts';
import { inSlices } from '../connection/in-slices.ts';
import { whenReachable } from '../connection/when-reachable.ts';
import { type Broker, BrokerUnavailable, type CachedFrame } from '../contracts/broker.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Metrics } from '../contracts/metrics.ts';
import type { Entered, Member, Roster } from '../contracts/roster.ts';
import { resumableTopic, topicOf } from '../contracts/topic.ts';
import { type Delivery, encodeDelivered } from '../delivery/delivery.ts';
import type { LocalTopics } from '../delivery/local-topics.ts';
import type { Recording } from '../delivery/recorder.ts';
import type { Past, Replay } from '../resume/replay.ts';
import type { Resume } from '../resume/resume.ts';
import { type Authorizations, TOKEN_EXPIRED, TOKEN_REVOKED } from './authorizations.ts';
import { encodeLastEvent } from './cached-events.ts';
import { type Authorized, checkOwnChannel, checkSignature, denied, type Refusal } from './channel-access.ts';
import { channelProblem } from './channel-limits.ts';
import type { NodeFacts } from './node-facts.ts';
import type { SubscriptionCounts } from './subscription-counts.ts';

/** What was read and recorded for a joiner. */
interface Joining {
  readonly past: Past | undefined;
  readonly cached: CachedFrame | undefined;
  readonly recording: Recording;
}

const TOO_MUCH_DURING_JOIN = {
  ...ERROR_CODES.overCapacity,
  message: 'Too much was sent on a channel while it was being joined',
};

export interface SubscriptionsDependencies {
  readonly broker: Broker;
  readonly delivery: Delivery;
  readonly roster: Roster;
  readonly topics: LocalTopics;
  readonly counts: SubscriptionCounts;
  readonly facts: NodeFacts;
  readonly replay: Replay;
  readonly resume: Resume;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly authorizations: Authorizations;
  readonly close: Close;
}

/** Joining and leaving channels. (Channels docs: subscribing, presence, cache channels) */
export class Subscriptions {
  readonly #deps: SubscriptionsDependencies;

  constructor(dependencies: SubscriptionsDependencies) {
    this.#deps = dependencies;
  }

  async subscribe(connection: Connection, rawData: unknown): Promise<void> {
    const data = dataObject(rawData);
    const channel = data?.channel;
    if (data === undefined || typeof channel !== 'string') {
      connection.sendError(null, 'pusher:subscribe needs data such as {"channel":"my-channel"}');
      return;
    }
    const isAwaited = connection.authorized && connection.awaiting.delete(channel);
    if (connection.subscriptions.has(channel) || connection.awaiting.has(channel)) {
      connection.sendError(null, `Existing subscription to channel ${printable(channel)}`, channel);
      return;
    }
    const kind = channelKind(channel);
    const problem = channelProblem(connection, channel, isAwaited, this.#deps.metrics);
    const allowed = problem ?? this.#check(connection, channel, kind, data);
    if ('type' in allowed) {
      this.#refuse(connection, channel, allowed);
      return;
    }
    if (kind.access === 'public' && connection.app.requireSignIn && !connection.authorized) {
      connection.awaiting.add(channel);
      return;
    }
    // Not before: clients try several transports at once, and only subscribe over the one that they stay with.
    if (connection.session !== undefined && connection.resumable === undefined) {
      await this.#deps.resume.claim(connection, connection.session);
    }
    await whenReachable(connection, async () => {
      const { authorizations } = this.#deps;
      if (kind.access === 'public' || (await authorizations.granted(connection, allowed.identity))) {
        await this.#join(connection, channel, kind, allowed.member);
      } else {
        this.#refuse(connection, channel, denied(TOKEN_REVOKED));
      }
    });
  }

  /** What was asked for before the connection was authorized, unless the client has thought better of it. */
  async subscribeAwaited(connection: Connection, channel: string): Promise<void> {
    if (connection.awaiting.has(channel)) await this.subscribe(connection, { channel });
  }

  async unsubscribe(connection: Connection, rawData: unknown): Promise<void> {
    const channel = dataObject(rawData)?.channel;
    if (typeof channel !== 'string') {
      connection.sendError(null, 'No subscription to a channel: name it in data.channel');
      return;
    }
    const subscription = connection.subscriptions.get(channel);
    if (subscription !== undefined) await this.#leave(connection, subscription);
    else if (!connection.awaiting.delete(channel)) {
      connection.sendError(null, `No subscription to channel ${printable(channel)}`, channel);
    }
  }

  /** By order of the application: stock clients hand `pusher:subscription_error` to the channel's bindings. */
  async remove(connection: Connection, channel: string, userId: string): Promise<void> {
    const subscription = connection.subscriptions.get(channel);
    if (subscription === undefined) return;
    if (subscription.member !== undefined && subscription.member.userId !== userId) return;
    connection.send(encodeSubscriptionError(channel, 'Unsubscribed', 'Unsubscribed by the application', 403));
    await this.#leave(connection, subscription);
  }

  /** For a connection that is gone. */
  async leaveAll(connection: Connection): Promise<void> {
    const all = [...connection.subscriptions.values()];
    await inSlices(all, (one) => this.#leave(connection, one), connection.app.limits.channelsAtOnce || undefined);
  }

  #check(connection: Connection, channel: string, kind: ChannelKind, data: JsonObject): Authorized | Refusal {
    if (kind.serverToUser) return checkOwnChannel(connection, channel);
    if (kind.access === 'public') return { identity: undefined, member: undefined };
    const checked = checkSignature(connection, channel, kind, data);
    if ('type' in checked || !this.#deps.authorizations.isExpired(checked.identity)) return checked;
    return denied(TOKEN_EXPIRED);
  }

  async #join(connection: Connection, asked: string, kind: ChannelKind, member: Member | undefined): Promise<void> {
    const { delivery, topics, replay } = this.#deps;
    await replay.turn(connection, asked);
    const { topic, channel } = await topics.acquire(topicOf(connection.app.id, asked));
    const subscription: Subscription = { channel, topic, kind, member, joinedAtMs: Date.now() };
    const recording = delivery.record(topic);
    let entered: Entered;
    try {
      entered =
        member === undefined
          ? await this.#enter(connection, subscription, recording)
          : await this.#enterAsMember(connection, subscription, member, recording);
    } finally {
      recording.stop();
      // Who has been admitted gives the topic back by leaving.
      if (connection.subscriptions.get(channel) !== subscription) await topics.release(topic);
    }
    if (entered.outcome === 'full') {
      const message = `The channel is full: at most ${counted(connection.app.limits.maxPresenceMembers, 'member')}`;
      this.#refuse(connection, channel, { type: 'LimitReached', message, status: 403 });
    } else {
      await this.#tellCount(connection, subscription, entered.subscriptionCount);
    }
  }

  /**
   * For channels without members. A subscription may be counted at any point of the channel's order, so that is done
   * while the past is read. Rejects if either fails, and then nothing is counted.
   */
  async #enter(connection: Connection, subscription: Subscription, recording: Recording): Promise<Entered> {
    const { roster } = this.#deps;
    const { topic } = subscription;
    const { socketId } = connection;
    let entered: Entered | undefined;
    const entering = roster.enter({ topic, socketId }, (outcome) => {
      entered = outcome;
    });
    const [read, counted] = await Promise.allSettled([this.#readPast(connection, subscription), entering]);
    if (counted.status === 'rejected') throw counted.reason;
    if (entered?.outcome !== 'entered') throw new Error('The roster refused a subscription without a member');
    if (read.status === 'rejected') {
      await this.#leaveRoster(topic, socketId);
      throw read.reason;
    }
    this.#admit(connection, subscription, entered, { ...read.value, recording });
    return entered;
  }

  async #enterAsMember(
    connection: Connection,
    subscription: Subscription,
    member: Member,
    recording: Recording,
  ): Promise<Entered> {
    const { topic } = subscription;
    const { socketId, app } = connection;
    const read = await this.#readPast(connection, subscription);
    let entered: Entered | undefined;
    await this.#deps.roster.enter({ topic, socketId, member, maxMembers: app.limits.maxPresenceMembers }, (outcome) => {
      entered = outcome;
      if (outcome.outcome === 'entered') this.#admit(connection, subscription, outcome, { ...read, recording });
    });
    if (entered === undefined) throw new Error('The roster has told no outcome');
    return entered;
  }

  async #readPast(
    connection: Connection,
    subscription: Subscription,
  ): Promise<{ past: Past | undefined; cached: CachedFrame | undefined }> {
    const { broker, replay } = this.#deps;
    const [past, cached] = await Promise.all([
      replay.prepare(connection, subscription),
      subscription.kind.cache ? broker.cached(subscription.topic) : undefined,
    ]);
    return { past, cached };
  }

  /**
   * Runs at one point of the topic's order: what comes before is in the answer, what comes after reaches the socket.
   */
  #admit(
    connection: Connection,
    subscription: Subscription,
    { members }: Extract<Entered, { outcome: 'entered' }>,
    { past, cached, recording }: Joining,
  ): void {
    const { channel, topic, kind } = subscription;
    // Kept even if the connection has closed meanwhile: leaveAll comes after this task and needs it.
    connection.subscriptions.set(channel, subscription);
    this.#deps.metrics.subscriptions += 1;
    this.#deps.metrics.subscriptionsOpened += 1;
    this.#tellLog(connection, channel, 'subscribed');
    // It is about to be closed, and stands where it stood: it gets all of this when it is back.
    if (connection.isParting) return;
    if (recording.isOverfull) {
      this.#deps.metrics.refused.add('recorded-characters');
      this.#deps.close(connection, TOO_MUCH_DURING_JOIN);
      return;
    }
    const succeeded = encodeSubscriptionSucceeded(
      channel,
      kind.access === 'presence' ? presenceData(members) : undefined,
    );
    const replayed = this.#deps.replay.complete(connection, subscription, past, recording);
    const last = kind.cache ? encodeLastEvent(channel, cached, replayed) : undefined;
    if (last !== undefined && cached === undefined) {
      this.#deps.facts.write('cache_miss', connection.app.id, channel, undefined, () => ({}));
    }
    connection.socket.together(() => {
      connection.send(succeeded);
      if (replayed.head !== undefined) connection.send(replayed.head);
      if (last !== undefined) connection.send(last);
      for (const message of replayed.messages) connection.send(encodeDelivered(message));
      connection.socket.join(topic);
      if (connection.resumable !== undefined) connection.socket.join(resumableTopic(topic));
    });
  }

  async #leave(connection: Connection, subscription: Subscription): Promise<void> {
    const { topics } = this.#deps;
    const { channel, topic } = subscription;
    connection.subscriptions.delete(channel);
    this.#deps.metrics.subscriptions -= 1;
    this.#tellLog(connection, channel, 'unsubscribed');
    connection.socket.leave(topic);
    if (connection.resumable !== undefined) connection.socket.leave(resumableTopic(topic));
    this.#deps.resume.left(connection, subscription);
    try {
      const left = await this.#leaveRoster(topic, connection.socketId);
      if (left !== undefined) await this.#tellCount(connection, subscription, left);
    } finally {
      await topics.release(topic);
    }
  }

  /** Gives the subscriptions that are left, or undefined if nobody can say now. */
  async #leaveRoster(topic: string, socketId: string): Promise<number | undefined> {
    const { roster, logger } = this.#deps;
    try {
      return await roster.leave(topic, socketId);
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) throw error;
      logger.debug({ topic }, 'left a channel while the shared state was away: the roster is put right on return');
      return undefined;
    }
  }

  /** On every kind of channel but presence, if the app wants it. (Channels docs: subscription count event) */
  async #tellCount({ app }: Connection, { topic, kind }: Subscription, count: number): Promise<void> {
    if (app.subscriptionCount && kind.access !== 'presence') await this.#deps.counts.changed(topic, count);
  }

  #tellLog({ app, socketId }: Connection, channel: string, message: string): void {
    this.#deps.logger.debug({ appId: app.id, socketId, channel }, message);
  }

  #refuse(connection: Connection, channel: string, refusal: Refusal): void {
    const { type, message, status } = refusal;
    connection.send(encodeSubscriptionError(channel, type, message, status));
    this.#deps.metrics.subscriptionsRefused.add(type);
    this.#deps.logger.warn(
      {
        appId: connection.app.id,
        socketId: connection.socketId,
        ip: connection.ip,
        channel: channel.slice(0, connection.app.limits.maxChannelNameLength),
        type,
        reason: message,
      },
      'subscription refused',
    );
  }
}
