import { EVENT, eventData, PUBLISHER_DIGITS, SEQUENCE_DIGITS } from './trigger-request.ts';

const AT = 0x40;
const SEQUENCE_AT = '@'.length + PUBLISHER_DIGITS + '-'.length;
const MARKER_LENGTH = SEQUENCE_AT + SEQUENCE_DIGITS + '@'.length;

/** A delivery that is missing, repeated, out of order, on the wrong channel or altered. It fails the run. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
}

export interface DeliveryCheckOptions {
  readonly channel: string;
  readonly subscribers: number;
  readonly publishers: number;
  /** The frame in what a subscriber reads, if that is not the frame itself. */
  readonly frameOf?: (text: string) => string;
  /** Called when half of the subscribers, rounded up, have this publisher's newest event. */
  readonly onHalf?: (publisher: number) => void;
  /** Called when every subscriber has the newest event of this publisher. */
  readonly onComplete: (publisher: number) => void;
}

interface KnownFrame {
  readonly sequence: number;
  readonly bytes: Buffer;
}

/**
 * Counts and checks every delivery. Each publisher's events must reach each subscriber once and in sequence. The first
 * copy of a frame is parsed and compared with what was published; every further copy must equal the first byte for
 * byte, which is as strict and far cheaper.
 */
export class DeliveryCheck {
  readonly #options: DeliveryCheckOptions;
  /** By subscriber and publisher: the sequence number received last. */
  readonly #received: Uint32Array;
  readonly #published: Uint32Array;
  /** By publisher: subscribers that lack its newest event. */
  readonly #remaining: Int32Array;
  readonly #known: (KnownFrame | undefined)[];
  readonly #lackingAtHalf: number;
  #markerOffset = 0;
  deliveries = 0;

  constructor(options: DeliveryCheckOptions) {
    this.#options = options;
    this.#lackingAtHalf = Math.floor(options.subscribers / 2);
    this.#received = new Uint32Array(options.subscribers * options.publishers);
    this.#published = new Uint32Array(options.publishers);
    this.#remaining = new Int32Array(options.publishers);
    this.#known = new Array<KnownFrame | undefined>(options.publishers).fill(undefined);
  }

  /** To be called before the event is sent. */
  publishing(publisher: number, sequence: number): void {
    if (sequence !== (this.#published[publisher] ?? 0) + 1) throw new DeliveryError('published out of sequence');
    this.#published[publisher] = sequence;
    this.#remaining[publisher] = (this.#remaining[publisher] ?? 0) + this.#options.subscribers;
  }

  /** One frame of text that `subscriber` received. Throws a DeliveryError if it is not the one that was due. */
  delivered(subscriber: number, bytes: Buffer, start: number, end: number): void {
    const marker = this.#findMarker(bytes, start, end);
    const publisher = digits(bytes, marker + 1, PUBLISHER_DIGITS);
    const sequence = digits(bytes, marker + SEQUENCE_AT, SEQUENCE_DIGITS);
    const slot = subscriber * this.#options.publishers + publisher;
    const due = (this.#received[slot] ?? 0) + 1;
    if (publisher >= this.#options.publishers || sequence !== due || sequence > (this.#published[publisher] ?? 0)) {
      throw new DeliveryError(
        `subscriber ${subscriber} received event ${sequence} of publisher ${publisher} where ${due} was due`,
      );
    }
    const known = this.#known[publisher];
    if (known?.sequence !== sequence || known.bytes.compare(bytes, start, end) !== 0) {
      this.#verify(bytes, start, end, publisher, sequence);
      if (known === undefined || known.sequence < sequence) {
        this.#known[publisher] = { sequence, bytes: Buffer.from(bytes.subarray(start, end)) };
      }
    }
    this.#received[slot] = sequence;
    this.deliveries += 1;
    const remaining = (this.#remaining[publisher] ?? 0) - 1;
    this.#remaining[publisher] = remaining;
    if (remaining === this.#lackingAtHalf) this.#options.onHalf?.(publisher);
    if (remaining === 0) this.#options.onComplete(publisher);
  }

  /** True if every event that was published has reached every subscriber. */
  isComplete(): boolean {
    return this.#remaining.every((count) => count === 0);
  }

  /** Who lacks what, for the sentence of a run that waited in vain. */
  missing(): string {
    const { publishers } = this.#options;
    const lacking = new Set<number>();
    let first = '';
    for (const [slot, received] of this.#received.entries()) {
      const published = this.#published[slot % publishers] ?? 0;
      if (received >= published) continue;
      const subscriber = Math.floor(slot / publishers);
      if (first === '')
        first = `subscriber ${subscriber} lacks event ${received + 1} of publisher ${slot % publishers}`;
      lacking.add(subscriber);
    }
    return lacking.size === 0 ? 'no delivery is missing' : `${lacking.size} subscribers lack deliveries: ${first}`;
  }

  #findMarker(bytes: Buffer, start: number, end: number): number {
    const cached = start + this.#markerOffset;
    if (bytes[cached] === AT && bytes[cached + MARKER_LENGTH - 1] === AT) return cached;
    const found = bytes.indexOf(AT, start);
    if (found < 0 || found + MARKER_LENGTH > end) {
      throw new DeliveryError(
        `a frame that no publisher sent: ${bytes.toString('utf8', start, Math.min(end, start + 200))}`,
      );
    }
    this.#markerOffset = found - start;
    return found;
  }

  #verify(bytes: Buffer, start: number, end: number, publisher: number, sequence: number): void {
    const { channel, frameOf } = this.#options;
    const read = bytes.toString('utf8', start, end);
    const text = frameOf === undefined ? read : frameOf(read);
    const message: unknown = JSON.parse(text);
    const isDue =
      typeof message === 'object' &&
      message !== null &&
      'event' in message &&
      message.event === EVENT &&
      'channel' in message &&
      message.channel === channel &&
      'data' in message &&
      message.data === eventData(channel, publisher, sequence);
    if (!isDue)
      throw new DeliveryError(`a frame is not the event that was published on ${channel}: ${text.slice(0, 300)}`);
  }
}

function digits(bytes: Buffer, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at += 1) value = value * 10 + (bytes[at] ?? 0) - 48;
  return value;
}
