/**
 * Who may join which guarded channel. This file is yours to edit, as Laravel's routes/channels.php is.
 *
 * A rule is `(user, params, context) => answer`, async if it likes:
 *   user     id (text), claims (everything in the token), expiresAt (unix seconds, or undefined)
 *   params   what the {parameters} matched: always text, so compare with String(...)
 *   context  appId, socketId, channel (its full name), ip, signal, and ask(url, options) to ask your backend by HTTP
 *   answer   true: yes. An object: yes, and on a presence channel what the other members see as `user_info`.
 *            false, null or undefined: no. A rule that throws or takes too long: no, and an error in the log.
 *
 * A pattern is the channel's name without `private-`, `private-encrypted-` or `presence-`. A {parameter} matches one
 * segment without dots; everything else is literal. The first pattern that matches decides; a channel that none matches
 * is refused.
 *
 * @type {import('fanfare').ChannelRules}
 */
export default {
  channels: {
    // private-domain.7: whoever's token lists 7 in its `domains`.
    'domain.{domainId}': (user, { domainId }) => lists(user.claims.domains, domainId),

    // private-user.42: that user alone.
    'user.{userId}': (user, { userId }) => user.id === userId,

    // private-admin.1: that user, as long as the token says that they are an admin.
    'admin.{adminId}': (user, { adminId }) => user.id === adminId && isAdmin(user),

    // presence-chat.5: whoever's token lists 5 in its `chats`; the others see the name.
    'chat.{chatId}': (user, { chatId }) => lists(user.claims.chats, chatId) && memberInfo(user),

    // What a token cannot know, a backend can. A 401, 403 or 404 is its no; every other failure is one too.
    //
    // 'order.{orderId}': async (user, { orderId }, context) => {
    //   const order = await context.ask(`https://shop.example.com/api/orders/${orderId}`, { forwardToken: true });
    //   return order.customerId === user.id;
    // },
  },

  /**
   * Who may sign in with `pusher.signin()`, and what is known of them: `info`, and a `watchlist` of user ids whose
   * coming and going they are told. Without this function everyone with a valid token may.
   */
  user: (user) => ({ info: memberInfo(user) }),
};

/** Whether a claim is a list that holds `id`, as a number or as text. */
function lists(claim, id) {
  return Array.isArray(claim) && claim.some((entry) => String(entry) === id);
}

/** `"role": "admin"`, `"roles": ["admin", …]` or `"admin": true`. */
function isAdmin({ claims }) {
  return claims.admin === true || claims.role === 'admin' || lists(claims.roles, 'admin');
}

function memberInfo({ claims }) {
  return typeof claims.name === 'string' ? { name: claims.name } : {};
}
