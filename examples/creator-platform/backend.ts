import { randomUUID } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { clientSettings, createPusher, type ExampleSettings } from '../support/settings.ts';
import { signToken, verifyToken } from '../support/tokens.ts';
import { type Example, type ExampleRequest, HttpError } from '../support/web-server.ts';
import { type Notification, Sender } from './send.ts';

export const fanfareEnvironment = {
  FANFARE_AUTH_RULES_FILE: 'examples/creator-platform/channels.js',
  FANFARE_AUTH_JWT_USER_ID_CLAIM: 'userId',
  // Whoever connects and proves within 10 s to be no one is shown out, and logged with the address.
  FANFARE_APPS_0_UNAUTHORIZED_TIMEOUT_SECONDS: '10',
  // Whoever joins their notifications gets those of the last hour as events, and what became of them, before the page
  // has asked.
  FANFARE_APPS_0_REWIND_0_CHANNELS: 'private-notifications_*',
  FANFARE_APPS_0_REWIND_0_EVENTS: '50',
  FANFARE_APPS_0_REWIND_0_SECONDS: '3600',
};

const NAMES: Readonly<Record<string, string>> = { 1: 'Ada', 2: 'Grace' };
const nameOf = (userId: string) => NAMES[userId] ?? `User ${userId}`;

interface Post {
  readonly id: string;
  readonly title: string;
  readonly author: string;
  /** In cents; 0: free. */
  readonly price: number;
  readonly likes: Set<string>;
  readonly buyers: Set<string>;
}

const FIRST_POSTS = [
  { id: '100', title: 'How I carve a chess set from one branch', author: '2', price: 0 },
  { id: '101', title: 'The tools that I would buy again', author: '2', price: 300 },
];

/** A platform's backend in small: logins by wallet, and notifications that are kept until they are read. */
export function createExample(settings: ExampleSettings): Example {
  const sender = new Sender(createPusher(settings));
  const unread = new Map<string, Notification[]>();
  const made = (post: Omit<Post, 'likes' | 'buyers'>): Post => ({ ...post, likes: new Set(), buyers: new Set() });
  const posts = new Map(FIRST_POSTS.map((post) => [post.id, made(post)]));
  const postOf = ({ params: { postId = '' } }: ExampleRequest): Post => {
    const post = posts.get(postId);
    if (post === undefined) throw new HttpError(404, 'no such post');
    return post;
  };

  const userOf = async ({ headers }: ExampleRequest): Promise<string> => {
    const claims: JWTPayload | undefined = await verifyToken(settings.jwtSecret, headers.authorization ?? '');
    if (claims === undefined) throw new HttpError(401, 'log in first');
    return String(claims.userId);
  };

  return {
    page: new URL('page.html', import.meta.url),
    routes: {
      'GET /session': async ({ query }) => {
        const userId = query.get('user') ?? '1';
        const wallet = `0x${userId.padStart(40, '0')}`;
        const token = await signToken(settings.jwtSecret, { userId, wallet, sub: wallet });
        return { userId, name: nameOf(userId), wallet, token, fanfare: clientSettings(settings) };
      },

      // What a page asks for once its subscription stands, so that nothing falls in between: what is sent from then on
      // arrives as an event, what was sent before is in this list, and what is in both has one id.
      'GET /notifications/unread': async (request) => ({ notifications: unread.get(await userOf(request)) ?? [] }),

      'POST /users/:userId/notifications': async ({ params, body }) => {
        const { userId = '' } = params;
        const notification = await sender.sendNotification(userId, String(body.text));
        unread.set(userId, [...(unread.get(userId) ?? []), notification]);
        return notification;
      },
      'POST /notifications/:id/read': async (request) => {
        const userId = await userOf(request);
        const { id = '' } = request.params;
        unread.set(
          userId,
          (unread.get(userId) ?? []).filter((notification) => notification.id !== id),
        );
        await sender.markRead(userId, id);
      },
      'POST /notifications/clear': async (request) => {
        const userId = await userOf(request);
        unread.delete(userId);
        await sender.clearNotifications(userId);
      },
      'GET /posts': async (request) => {
        const userId = await userOf(request);
        const seen = ({ id, title, author, price, likes, buyers }: Post) => {
          return { id, title, author: nameOf(author), price, likes: [...likes], bought: buyers.has(userId) };
        };
        return { posts: [...posts.values()].map(seen) };
      },
      // To everyone in the feed, who are the author's subscribers here.
      'POST /posts': async (request) => {
        const author = await userOf(request);
        const post = made({ id: randomUUID(), title: String(request.body.title), author, price: 0 });
        posts.set(post.id, post);
        await sender.publishPost(author, post.id, post.title, Object.keys(NAMES));
        return { postId: post.id };
      },
      'POST /posts/:postId/like': async (request) => {
        const [post, userId] = [postOf(request), await userOf(request)];
        const liked = request.body.liked !== false;
        if (liked) post.likes.add(userId);
        else post.likes.delete(userId);
        await sender.updatePostLikes(post.id, userId, liked);
      },
      // Where a payment has come through: the buyer's pages, in all tabs, show what they may.
      'POST /posts/:postId/purchase': async (request) => {
        const [post, userId] = [postOf(request), await userOf(request)];
        post.buyers.add(userId);
        await sender.purchasePost(userId, post.id, randomUUID());
      },
      'POST /posts/:postId/comments': async (request) => {
        const { postId = '' } = request.params;
        return { commentId: await sender.addComment(postId, await userOf(request), String(request.body.text)) };
      },
    },
  };
}
