/**
 * Who may join which channel of the creator platform. All of them are for people with a valid token, so all are
 * private: the frontend subscribes to private-notifications_42 (in Echo: echo.private('notifications_42')), and the
 * prefix is no part of a pattern. The user's id is the claim `userId` (FANFARE_AUTH_JWT_USER_ID_CLAIM=userId).
 *
 * @type {import('../../src/auth/index.ts').ChannelRules}
 */
export default {
  channels: {
    // A person's own channels: theirs alone.
    'notifications_{userId}': (user, { userId }) => user.id === userId,
    'feed_{userId}': (user, { userId }) => user.id === userId,

    // Everyone who is logged in may watch a creator and a post.
    'creator_{creatorId}': () => true,
    'post_{postId}': () => true,
  },
};
