/** Called for each line, without its end: `bytes` from `start` to `end`, valid only until the call returns. */
export type LineListener = (bytes: Buffer, start: number, end: number) => void;

const LF = 0x0a;
const CR = 0x0d;
const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * Reads the lines of one chunked response (RFC 9112, 7.1) out of a TCP stream, without copying those that arrive
 * whole. What a server says before the body must be a 200.
 */
export class LineReader {
  readonly #listener: LineListener;
  #head: Buffer | undefined = Buffer.alloc(0);
  /** Of the chunk that is read: what is left of it, or undefined while its size is read. */
  #left: number | undefined;
  #size = '';
  /** The beginning of a line whose end has not arrived. */
  #rest: Buffer | undefined;
  /** Of the body, so far. */
  characters = 0;

  constructor(listener: LineListener) {
    this.#listener = listener;
  }

  read(chunk: Buffer, start: number, end: number): void {
    let at = start;
    if (this.#head !== undefined) {
      const seen = this.#head.length;
      const head = Buffer.concat([this.#head, chunk.subarray(start, end)]);
      const headEnd = head.indexOf(HEAD_END);
      this.#head = headEnd < 0 ? head : undefined;
      if (headEnd < 0) return;
      if (!head.subarray(0, 12).equals(Buffer.from('HTTP/1.1 200'))) {
        throw new Error(`a stream was answered: ${head.toString('latin1', 0, 200)}`);
      }
      at = start + headEnd + HEAD_END.length - seen;
    }
    while (at < end) {
      if (this.#left === undefined) {
        at = this.#readSize(chunk, at, end);
        continue;
      }
      const length = Math.min(this.#left, end - at);
      this.#body(chunk, at, at + length);
      at += length;
      this.#left -= length;
      if (this.#left === 0) this.#left = undefined;
    }
  }

  /** The line with a chunk's size, and the line's end that closes the chunk before it. */
  #readSize(chunk: Buffer, start: number, end: number): number {
    for (let at = start; at < end; at += 1) {
      const byte = chunk[at] ?? 0;
      if (byte === CR) continue;
      if (byte !== LF) {
        this.#size += String.fromCharCode(byte);
        continue;
      }
      if (this.#size === '') continue;
      this.#left = Number.parseInt(this.#size, 16);
      this.#size = '';
      if (this.#left === 0) throw new Error('the server ended a stream');
      return at + 1;
    }
    return end;
  }

  #body(bytes: Buffer, start: number, end: number): void {
    this.characters += end - start;
    let from = start;
    for (let at = bytes.indexOf(LF, from); at >= 0 && at < end; at = bytes.indexOf(LF, from)) {
      if (this.#rest === undefined) {
        this.#listener(bytes, from, at);
      } else {
        const line = Buffer.concat([this.#rest, bytes.subarray(from, at)]);
        this.#rest = undefined;
        this.#listener(line, 0, line.length);
      }
      from = at + 1;
    }
    if (from === end) return;
    const rest = bytes.subarray(from, end);
    this.#rest = this.#rest === undefined ? Buffer.from(rest) : Buffer.concat([this.#rest, rest]);
  }

  /** Whether a line has begun that has not ended. */
  get isWithinLine(): boolean {
    return this.#rest !== undefined;
  }
}
