import { randomUUID } from 'node:crypto';
import type Pusher from 'pusher';

/** Every event of the platform and what it carries: the one place that backend and frontend share. */
export interface PlatformEvents {
  notification: Notification;
  notification_read: { readonly id: string };
  notifications_cleared: { readonly at: string };
  'subscription-updated': { readonly creatorId: string; readonly status: 'active' | 'cancelled' | 'expired' };
  'post-purchased': { readonly postId: string; readonly transaction: string };
  feed_update: { readonly postId: string; readonly creatorId: string };
  creator_updated: { readonly creatorId: string; readonly fields: Readonly<Record<string, string>> };
  new_subscription: { readonly creatorId: string; readonly subscriberId: string };
  post_created: { readonly postId: string; readonly title: string };
  post_deleted: { readonly postId: string };
  post_liked: { readonly postId: string; readonly userId: string };
  post_unliked: { readonly postId: string; readonly userId: string };
  comment_added: {
    readonly postId: string;
    readonly commentId: string;
    readonly userId: string;
    readonly text: string;
  };
  comment_deleted: { readonly postId: string; readonly commentId: string };
}

export interface Notification {
  readonly id: string;
  readonly text: string;
  readonly at: string;
}

export const notificationsOf = (userId: string) => `private-notifications_${userId}`;
export const feedOf = (userId: string) => `private-feed_${userId}`;
export const creatorChannel = (creatorId: string) => `private-creator_${creatorId}`;
export const postChannel = (postId: string) => `private-post_${postId}`;

/** Sends the platform's events. In Next.js: one instance in a module that only the server imports. */
export class Sender {
  readonly #pusher: Pusher;

  constructor(pusher: Pusher) {
    this.#pusher = pusher;
  }

  /**
   * Resolves once Fanfare has taken the event; rejects with its status and sentence otherwise. At most 100 channels.
   */
  async send<Name extends keyof PlatformEvents>(
    channels: string | string[],
    name: Name,
    data: PlatformEvents[Name],
  ): Promise<void> {
    await this.#pusher.trigger(channels, name, data);
  }

  async sendNotification(userId: string, text: string): Promise<Notification> {
    const notification = { id: randomUUID(), text, at: new Date().toISOString() };
    await this.send(notificationsOf(userId), 'notification', notification);
    return notification;
  }

  async markRead(userId: string, id: string): Promise<void> {
    await this.send(notificationsOf(userId), 'notification_read', { id });
  }

  async clearNotifications(userId: string): Promise<void> {
    await this.send(notificationsOf(userId), 'notifications_cleared', { at: new Date().toISOString() });
  }

  async updatePostLikes(postId: string, userId: string, liked: boolean): Promise<void> {
    await this.send(postChannel(postId), liked ? 'post_liked' : 'post_unliked', { postId, userId });
  }

  async addComment(postId: string, userId: string, text: string): Promise<string> {
    const commentId = randomUUID();
    await this.send(postChannel(postId), 'comment_added', { postId, commentId, userId, text });
    return commentId;
  }

  async deleteComment(postId: string, commentId: string): Promise<void> {
    await this.send(postChannel(postId), 'comment_deleted', { postId, commentId });
  }

  /** On the creator's channel, and in the feed of each subscriber, a hundred of them with one request. */
  async publishPost(creatorId: string, postId: string, title: string, subscriberIds: readonly string[]): Promise<void> {
    await this.send(creatorChannel(creatorId), 'post_created', { postId, title });
    for (let from = 0; from < subscriberIds.length; from += 100) {
      const feeds = subscriberIds.slice(from, from + 100).map(feedOf);
      await this.send(feeds, 'feed_update', { postId, creatorId });
    }
  }

  async deletePost(creatorId: string, postId: string): Promise<void> {
    await this.send([creatorChannel(creatorId), postChannel(postId)], 'post_deleted', { postId });
  }

  async updateCreator(creatorId: string, fields: Readonly<Record<string, string>>): Promise<void> {
    await this.send(creatorChannel(creatorId), 'creator_updated', { creatorId, fields });
  }

  /** To whoever watches the creator, and to the subscriber, whose page shows what it may. */
  async subscribeTo(creatorId: string, subscriberId: string): Promise<void> {
    await this.send(creatorChannel(creatorId), 'new_subscription', { creatorId, subscriberId });
    await this.send(notificationsOf(subscriberId), 'subscription-updated', { creatorId, status: 'active' });
  }

  async purchasePost(userId: string, postId: string, transaction: string): Promise<void> {
    await this.send(notificationsOf(userId), 'post-purchased', { postId, transaction });
  }
}
