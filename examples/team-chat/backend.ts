import { clientSettings, createPusher, type ExampleSettings } from '../support/settings.ts';
import { signToken, verifyToken } from '../support/tokens.ts';
import { type Example, type ExampleRequest, HttpError } from '../support/web-server.ts';

export const fanfareEnvironment = { FANFARE_AUTH_RULES_FILE: 'examples/team-chat/channels.js' };

export interface ChatMessage {
  readonly id: number;
  readonly authorId: string;
  readonly text: string;
  /** Who has read it: a page that is loaded anew shows it too. */
  readonly readBy: readonly string[];
}

const NAMES: Readonly<Record<string, string>> = { 1: 'Ada', 2: 'Grace', 3: 'Linus', 4: 'Barbara' };
const MEMBERS: Readonly<Record<string, readonly string[]>> = { 5: ['1', '2', '3'], 6: ['3', '4'] };
const HISTORY = 50;

/** The chat's backend: who is a member, what was said, and who has seen it. */
export function createExample(settings: ExampleSettings): Example {
  const pusher = createPusher(settings);
  const messages = new Map<string, ChatMessage[]>();

  const userOf = async ({ headers }: ExampleRequest): Promise<string> => {
    const claims = await verifyToken(settings.jwtSecret, headers.authorization ?? '');
    if (claims?.sub === undefined) throw new HttpError(401, 'log in first');
    return claims.sub;
  };
  const memberOf = async (request: ExampleRequest): Promise<{ userId: string; chatId: string }> => {
    const userId = await userOf(request);
    const { chatId = '' } = request.params;
    if (MEMBERS[chatId]?.includes(userId) !== true) throw new HttpError(403, 'not a member of this chat');
    return { userId, chatId };
  };

  return {
    page: new URL('page.html', import.meta.url),
    routes: {
      'GET /session': async ({ query }) => {
        const id = query.get('user') ?? '1';
        const name = NAMES[id];
        if (name === undefined) throw new HttpError(401, 'no such user');
        return {
          id,
          name,
          names: NAMES,
          token: await signToken(settings.jwtSecret, { sub: id, name }),
          fanfare: clientSettings(settings),
        };
      },

      // Asked by the rules, with the user's own token.
      'GET /chats/:chatId/membership': async (request) => ({ name: NAMES[(await memberOf(request)).userId] }),
      'GET /contacts': async (request) => {
        const userId = await userOf(request);
        const chats = Object.values(MEMBERS).filter((members) => members.includes(userId));
        const watchlist = [...new Set(chats.flat())].filter((id) => id !== userId);
        return { info: { name: NAMES[userId] }, watchlist };
      },

      // On joining: asked for once the subscription stands, so that nothing falls between this list and the first
      // event.
      'GET /chats/:chatId/messages': async (request) => {
        const { chatId } = await memberOf(request);
        return { messages: (messages.get(chatId) ?? []).slice(-HISTORY) };
      },
      'POST /chats/:chatId/messages': async (request) => {
        const { userId, chatId } = await memberOf(request);
        const before = messages.get(chatId) ?? [];
        const message = { id: before.length + 1, authorId: userId, text: String(request.body.text), readBy: [] };
        messages.set(chatId, [...before, message]);
        await pusher.trigger(`presence-chat.${chatId}`, 'message.sent', message);
        return message;
      },

      // Delivered and read: to the author alone.
      'POST /chats/:chatId/messages/:messageId/receipts': async (request) => {
        const { userId, chatId } = await memberOf(request);
        const said = messages.get(chatId) ?? [];
        const message = said.find(({ id }) => String(id) === request.params.messageId);
        if (message === undefined) throw new HttpError(404, 'no such message');
        const state = request.body.state === 'read' ? 'read' : 'delivered';
        if (state === 'read') {
          const read = { ...message, readBy: [...new Set([...message.readBy, userId])] };
          messages.set(chatId, said.with(said.indexOf(message), read));
        }
        const receipt = { chatId, messageId: message.id, userId };
        await pusher.trigger(`private-user.${message.authorId}`, `message.${state}`, receipt);
        return receipt;
      },
    },
  };
}
