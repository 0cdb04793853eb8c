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

/** A platform's backend in small: logins by wallet, and notifications that are kept until they are read. */
export function createExample(settings: ExampleSettings): Example {
  const sender = new Sender(createPusher(settings));
  const unread = new Map<string, Notification[]>();

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
        return { userId, wallet, token, fanfare: clientSettings(settings) };
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
      'POST /posts/:postId/like': async (request) => {
        const { postId = '' } = request.params;
        await sender.updatePostLikes(postId, await userOf(request), request.body.liked !== false);
      },
      'POST /posts/:postId/comments': async (request) => {
        const { postId = '' } = request.params;
        return { commentId: await sender.addComment(postId, await userOf(request), String(request.body.text)) };
      },
    },
  };
}
