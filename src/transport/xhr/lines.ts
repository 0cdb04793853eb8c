/**
 * One line of what an HTTP client reads, encoded once for however many sessions it goes to. The kinds of lines are
 * pusher-js's: `o` open, `a` messages, `h` heartbeat, `c` close.
 */
export interface Line {
  readonly bytes: Buffer;
  /** In UTF-16 code units, as browsers count a response's text. */
  readonly chars: number;
  /** What the client has read once it answers this line: the payload of a ping. */
  readonly asks?: string | undefined;
  readonly isHeartbeat: boolean;
  /** In how many sessions it waits. Kept by WaitingLines. */
  holders: number;
}

function line(text: string, asks: string | undefined = undefined, isHeartbeat = false): Line {
  return { bytes: Buffer.from(text), chars: text.length, asks, isHeartbeat, holders: 0 };
}

/** @param hostname where the client is to send all its later requests, if it is not where it sent this one */
export function openLine(hostname: string | undefined): Line {
  return line(hostname === undefined ? 'o\n' : `o${JSON.stringify({ hostname })}\n`);
}

export function messageLine(frame: string): Line {
  return line(`a[${JSON.stringify(frame)}]\n`);
}

export function closeLine(code: number, reason: string): Line {
  return line(`c${JSON.stringify([code, reason])}\n`);
}

/** Over streaming a client answers it with an empty send; a poll that it ends is followed by the next one. */
export function heartbeatLine(): Line {
  return line('h\n', undefined, true);
}

/**
 * Asks a streaming client up to where it has read. An answer to `h` would not do: pusher-js sends the same of its own
 * accord when it has heard nothing for a while, but never a `pusher:pong`.
 */
export function askLine(payload: string): Line {
  return line('a["{\\"event\\":\\"pusher:ping\\",\\"data\\":{}}"]\n', payload);
}

/** The text that pusher-js answers an `askLine` with. */
export const ANSWER = '{"event":"pusher:pong","data":{}}';

/** Nothing to read, but a place among the lines: what stands before it was read once the next poll comes. */
export function marker(payload: string): Line {
  return line('', payload);
}

let lastJoined: { readonly lines: readonly Line[]; readonly bytes: Buffer } | undefined;

/**
 * The bytes of lines that go out together. All that read one channel are sent the same lines in a turn of the event
 * loop, so those that were put together for the last are likely to do for the next.
 */
export function bytesOf(lines: readonly Line[]): Buffer {
  const [only] = lines;
  if (only !== undefined && lines.length === 1) return only.bytes;
  if (lastJoined?.lines.length === lines.length && lastJoined.lines.every((line, index) => line === lines[index])) {
    return lastJoined.bytes;
  }
  const bytes = Buffer.concat(lines.map((line) => line.bytes));
  lastJoined = { lines, bytes };
  return bytes;
}
