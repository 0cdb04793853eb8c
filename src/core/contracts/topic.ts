/**
 * A topic is an app and a channel together: what brokers move and transports subscribe sockets to. App ids hold no
 * slash, so the first one parts the two. Channels whose name begins with `#` are the server's own (see the functions
 * below); no client may subscribe to them but to its own `#server-to-user-{id}`.
 */
export function topicOf(appId: string, channel: string): string {
  return `${appId}/${channel}`;
}

export function appIdOf(topic: string): string {
  return topic.slice(0, topic.indexOf('/'));
}

export function channelOf(topic: string): string {
  return topic.slice(topic.indexOf('/') + 1);
}

/** Carries `watchlist_events` about one user to the connections that watch that user. */
export function watchTopic(appId: string, userId: string): string {
  return `${appId}/#watch-${userId}`;
}

export function watchedUserOf(topic: string): string {
  return topic.slice(watchTopic(appIdOf(topic), '').length);
}

/** Carries orders about one user's connections to the nodes that hold any. */
export function userOrdersTopic(appId: string, userId: string): string {
  return `${appId}/#orders-${userId}`;
}

/** Carries orders about tokens of an app to the nodes that hold connections by any. */
export function tokenOrdersTopic(appId: string): string {
  return `${appId}/#tokens`;
}

/** Carries, on this node alone, what only a channel's resumable connections are told. */
export function resumableTopic(topic: string): string {
  return `${appIdOf(topic)}/#resumable-${channelOf(topic)}`;
}
