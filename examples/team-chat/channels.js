/**
 * Who may join which channel of the team chat. Membership changes while tokens live, so the rules ask the backend, and
 * pass the user's token on to it. Its 401, 403 or 404 is a no.
 *
 * @type {import('../../src/auth/index.ts').ChannelRules}
 */
export default {
  channels: {
    // presence-chat.5: the answer, { name }, is what the other members see.
    'chat.{chatId}': (_user, { chatId }, context) => ask(context, `/chats/${encodeURIComponent(chatId)}/membership`),

    // private-user.42: that user's own, for receipts.
    'user.{userId}': (user, { userId }) => user.id === userId,
  },

  /** Signing in: { info, watchlist }, the watchlist being whose coming and going this user is told. */
  user: (_user, context) => ask(context, '/contacts'),
};

function ask(context, path) {
  const backend = process.env.EXAMPLE_BACKEND_URL ?? 'http://127.0.0.1:3000';
  return context.ask(`${backend}${path}`, { forwardToken: true });
}
