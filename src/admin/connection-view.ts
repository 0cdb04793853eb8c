import type { Connection } from '../core/connection/connection.ts';
import type { Happening } from './happenings.ts';

/** A connection in a list. */
export interface ConnectionSummary {
  readonly socketId: string;
  readonly node: string;
  readonly appId: string;
  readonly ip: string;
  readonly origin: string;
  readonly transport: string;
  readonly openedAtMs: number;
  readonly userId: string | undefined;
  readonly channels: number;
}

/**
 * All that is known of one: when it came, whence, what it joined, what it was refused, and how far it has
 * acknowledged.
 */
export interface ConnectionStory extends ConnectionSummary {
  readonly open: boolean;
  readonly lastSeenMs: number;
  readonly userIds: readonly string[];
  readonly joined: ReadonlyArray<{ readonly channel: string; readonly sinceMs: number; readonly resumable: boolean }>;
  readonly resume: ResumeStanding | undefined;
  readonly happenings: readonly Happening[];
}

/** Counts are of deliveries of the connection's node. */
export interface ResumeStanding {
  readonly asked: number;
  readonly acknowledged: number;
  readonly superseded: boolean;
  readonly awaitedChannels: number;
}

const MAX_CHANNELS_OF_STORY = 500;

export function summaryOf(connection: Connection, node: string): ConnectionSummary {
  const { socketId, app, ip, origin, socket, openedAtMs, user, userIds, subscriptions } = connection;
  return {
    socketId,
    node,
    appId: app.id,
    ip,
    origin,
    transport: socket.transport,
    openedAtMs,
    userId: user?.id ?? [...userIds][0],
    channels: subscriptions.size,
  };
}

export function storyOf(connection: Connection, node: string, happenings: readonly Happening[]): ConnectionStory {
  const { resumable, subscriptions } = connection;
  return {
    ...summaryOf(connection, node),
    open: true,
    lastSeenMs: connection.lastSeenMs,
    userIds: [...connection.userIds],
    joined: [...subscriptions.values()].slice(0, MAX_CHANNELS_OF_STORY).map(({ channel, joinedAtMs }) => ({
      channel,
      sinceMs: joinedAtMs,
      resumable: resumable?.joined.has(channel) ?? false,
    })),
    resume: resumable && {
      asked: resumable.pingedCount,
      acknowledged: resumable.acknowledgedCount,
      superseded: resumable.superseded,
      awaitedChannels: resumable.awaited.size,
    },
    happenings,
  };
}
