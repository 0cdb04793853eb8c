/**
 * Answers go to each user's own private channel, private-user.{userId}.
 *
 * @type {import('../../src/auth/index.ts').ChannelRules}
 */
export default {
  channels: {
    'user.{userId}': (user, { userId }) => user.id === userId,
  },
};
