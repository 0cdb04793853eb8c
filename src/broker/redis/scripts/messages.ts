import type { Position } from '../../../core/contracts/position.ts';

/**
 * What goes through Redis's channels: one character that says what it is, then what it carries, and no JSON around a
 * frame.
 *
 * - `.frame`: for all subscribers
 * - `~socketId frame`: for all but one
 * - `*epoch previous offset` and one of the two: an event that stands in its topic's log; an empty frame only tells
 *   where that ends
 * - `+previous version length userId info`: a member has come; `length` is the user id's, in UTF-16 units
 * - `-previous version userId`: a member has gone
 * - `!previous version 1` and `…0`: a user is online, or offline
 */
export type Message =
  | FrameMessage
  | MemberChange
  | { readonly kind: 'user'; readonly version: number; readonly online: boolean };

/** Sees what arrives before it is delivered: keeps what this node knows of members and users. */
export interface MessageObserver {
  /** Takes a change, and delivers what this node's subscribers are to be told of it. */
  change(topic: string, change: Exclude<Message, FrameMessage>): void;
}

export interface FrameMessage {
  readonly kind: 'frame';
  readonly frame: string;
  readonly exceptSocketId: string | undefined;
  /** Where the topic is logged. */
  readonly position?: Position;
  readonly previous?: number;
}

export interface MemberChange {
  readonly kind: 'added' | 'removed';
  /** Number of the change before this one; another than the last that was heard tells of one that was missed. */
  readonly previous: number;
  readonly version: number;
  readonly userId: string;
  /** JSON of `user_info`; undefined if there is none. */
  readonly info: string | undefined;
}

/** What stands before the frame. */
export function headOf(exceptSocketId: string | undefined): string {
  return exceptSocketId === undefined ? '.' : `~${exceptSocketId} `;
}

/** What a channel is told of a new member; Redis puts the change's numbers before it. */
export function encodeAdded(userId: string, info: string | undefined): string {
  return `${userId.length} ${userId}${info ?? ''}`;
}

export function decodeMessage(text: string): Message {
  switch (text.charCodeAt(0)) {
    case 0x2e:
    case 0x7e:
      return decodeFrame(text);
    case 0x2a: {
      const epochEnd = text.indexOf(' ');
      const previousEnd = text.indexOf(' ', epochEnd + 1);
      const offsetEnd = text.indexOf(' ', previousEnd + 1);
      return {
        ...decodeFrame(text.slice(offsetEnd + 1)),
        position: { epoch: text.slice(1, epochEnd), offset: Number(text.slice(previousEnd + 1, offsetEnd)) },
        previous: Number(text.slice(epochEnd + 1, previousEnd)),
      };
    }
    case 0x2b: {
      const { previous, version, rest } = readChange(text);
      const space = rest.indexOf(' ');
      const infoAt = space + 1 + Number(rest.slice(0, space));
      const info = rest.slice(infoAt);
      const userId = rest.slice(space + 1, infoAt);
      return { kind: 'added', previous, version, userId, info: info === '' ? undefined : info };
    }
    case 0x2d: {
      const { previous, version, rest } = readChange(text);
      return { kind: 'removed', previous, version, userId: rest, info: undefined };
    }
    case 0x21: {
      const { version, rest } = readChange(text);
      return { kind: 'user', version, online: rest === '1' };
    }
    default:
      throw new Error(`A message through Redis begins with an unknown character: ${JSON.stringify(text.slice(0, 20))}`);
  }
}

/** `.frame` or `~socketId frame`. */
export function decodeFrame(text: string): FrameMessage {
  if (text.startsWith('.')) return { kind: 'frame', frame: text.slice(1), exceptSocketId: undefined };
  const space = text.indexOf(' ');
  return { kind: 'frame', frame: text.slice(space + 1), exceptSocketId: text.slice(1, space) };
}

function readChange(text: string): { previous: number; version: number; rest: string } {
  const first = text.indexOf(' ');
  const second = text.indexOf(' ', first + 1);
  return {
    previous: Number(text.slice(1, first)),
    version: Number(text.slice(first + 1, second)),
    rest: text.slice(second + 1),
  };
}
