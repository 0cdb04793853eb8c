/** What a client has sent, and what is to be known of it when its turn comes. */
export interface Message {
  readonly text: string;
  /** When it came, by the node's coarse clock. */
  readonly nowMs: number;
  /** Carried out even if the client has closed its connection meanwhile: it is for others. */
  readonly isForOthers: boolean;
  /** See Task. */
  readonly isExtra: boolean;
}

/** Before each text: when it came, its bytes, and its flags. */
const HEADER_BYTES = 16;
const LENGTH_AT = 8;
const FLAGS_AT = 12;
const FOR_OTHERS = 1;
const EXTRA = 2;

const SMALLEST_CHUNK_BYTES = 1024;
const LARGEST_CHUNK_BYTES = 16 * 1024;

/** What a message takes while it waits, about: two bytes for a character, as in the engine, or what it takes here. */
export function waitingBytesOf({ text }: Pick<Message, 'text'>): number {
  return Math.max(2 * text.length, Buffer.byteLength(text));
}

/** Some of the messages, one behind the other. */
interface Chunk {
  readonly bytes: Buffer;
  end: number;
}

/**
 * Messages that wait, first in, first out, as bytes outside the engine's heap: kept as objects, those of a client that
 * sends very many outlive the young generation, and all others wait while the garbage collector copies them.
 */
export class PackedMessages {
  #chunks: Chunk[] = [];
  /** In the first chunk. */
  #at = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add({ text, nowMs, isForOthers, isExtra }: Message): void {
    const length = Buffer.byteLength(text);
    const chunk = this.#chunkFor(HEADER_BYTES + length);
    const { bytes, end } = chunk;
    bytes.writeDoubleLE(nowMs, end);
    bytes.writeUInt32LE(length, end + LENGTH_AT);
    bytes[end + FLAGS_AT] = (isForOthers ? FOR_OTHERS : 0) | (isExtra ? EXTRA : 0);
    bytes.write(text, end + HEADER_BYTES, 'utf8');
    chunk.end = end + HEADER_BYTES + length;
    this.#size += 1;
  }

  /** Takes the first one off; throws a RangeError if there is none. */
  take(): Message {
    const [chunk] = this.#chunks;
    if (chunk === undefined) throw new RangeError('No message is left');
    const { bytes, end } = chunk;
    const at = this.#at;
    const from = at + HEADER_BYTES;
    const to = from + bytes.readUInt32LE(at + LENGTH_AT);
    const flags = bytes[at + FLAGS_AT] ?? 0;
    const text = bytes.toString('utf8', from, to);
    if (to === end) this.#chunks.shift();
    this.#at = to === end ? 0 : to;
    this.#size -= 1;
    const isForOthers = (flags & FOR_OTHERS) !== 0;
    const isExtra = (flags & EXTRA) !== 0;
    return { text, nowMs: bytes.readDoubleLE(at), isForOthers, isExtra };
  }

  #chunkFor(bytes: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.end + bytes <= last.bytes.length) return last;
    const usual = Math.min(LARGEST_CHUNK_BYTES, (last?.bytes.length ?? SMALLEST_CHUNK_BYTES / 2) * 2);
    const chunk = { bytes: Buffer.allocUnsafeSlow(Math.max(usual, bytes)), end: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }
}
