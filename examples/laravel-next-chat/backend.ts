import { randomUUID } from 'node:crypto';
import { clientSettings, createPusher, type ExampleSettings } from '../support/settings.ts';
import { signToken } from '../support/tokens.ts';
import { type Example, HttpError } from '../support/web-server.ts';

export const fanfareEnvironment = { FANFARE_AUTH_RULES_FILE: 'examples/laravel-next-chat/channels.js' };

/** Who exists, and the domains that they belong to: what a Laravel application has in its database. */
const USERS: Readonly<Record<string, { name: string; domains: string[]; role: string }>> = {
  1: { name: 'Ada', domains: ['7', '9'], role: 'admin' },
  2: { name: 'Grace', domains: ['7'], role: 'member' },
  3: { name: 'Linus', domains: ['9'], role: 'member' },
};

/**
 * Stands in for the Laravel application, whose code is in the folder laravel/: the same POSTs to Fanfare, made by the
 * same rules, with the official library of this language.
 */
export function createExample(settings: ExampleSettings): Example {
  const pusher = createPusher(settings);
  return {
    page: new URL('page.html', import.meta.url),
    routes: {
      // In Laravel: a route behind the session that signs a token for the user who is logged in.
      'GET /session': async ({ query }) => {
        const id = query.get('user') ?? '';
        const user = USERS[id];
        if (user === undefined) throw new HttpError(401, 'no such user');
        const token = await signToken(settings.jwtSecret, { sub: id, ...user });
        return { id, ...user, token, fanfare: clientSettings(settings) };
      },

      // broadcast(new MessageSent($message))->toOthers()
      'POST /domains/:domainId/messages': async ({ params, headers, body }) => {
        const message = { id: randomUUID(), domainId: params.domainId, author: body.author, text: body.text };
        await pusher.trigger(`private-domain.${params.domainId}`, 'message.sent', message, toOthers(headers));
        return message;
      },

      // event(new UserStatusChanged($user, $status)): the user's own tabs, every domain of theirs, and the admins
      'POST /users/:userId/status': async ({ params, body }) => {
        const { userId = '' } = params;
        const domains = USERS[userId]?.domains ?? [];
        const admins = Object.keys(USERS).filter((id) => USERS[id]?.role === 'admin');
        const channels = [
          `private-user.${userId}`,
          ...domains.map((id) => `private-domain.${id}`),
          ...admins.map((id) => `private-admin.${id}`),
        ];
        const change = { id: randomUUID(), userId, name: USERS[userId]?.name, status: body.status };
        await pusher.trigger(channels, 'user.status.changed', change);
        return { channels };
      },
    },
  };
}

/** Echo's interceptors add X-Socket-ID to axios's requests; the sender's own tab then gets nothing twice. */
function toOthers(headers: Readonly<Record<string, string | string[] | undefined>>) {
  const socketId = headers['x-socket-id'];
  return typeof socketId === 'string' && socketId !== '' ? { socket_id: socketId } : undefined;
}
