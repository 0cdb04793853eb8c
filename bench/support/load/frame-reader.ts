export const OPCODE_TEXT = 1;
export const OPCODE_CLOSE = 8;
export const OPCODE_PING = 9;
export const OPCODE_PONG = 10;

/** Called for each frame: its payload is `bytes` from `start` to `end`, valid only until the call returns. */
export type FrameListener = (opcode: number, bytes: Buffer, start: number, end: number) => void;

/**
 * Reads the frames of a server out of a TCP stream (RFC 6455, 5.2) without copying them. It knows what a server
 * sends without extensions: unmasked frames that are never fragmented; anything else throws.
 */
export class FrameReader {
  readonly #listener: FrameListener;
  /** The beginning of a frame whose end has not arrived: rare, so it may cost a copy. */
  #rest: Buffer | undefined;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  read(chunk: Buffer, start: number, end: number): void {
    if (this.#rest !== undefined) {
      const joined = Buffer.concat([this.#rest, chunk.subarray(start, end)]);
      this.#rest = undefined;
      this.#readWhole(joined, 0, joined.length);
      return;
    }
    this.#readWhole(chunk, start, end);
  }

  #readWhole(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (end - at >= 2) {
      const first = bytes[at] ?? 0;
      const second = bytes[at + 1] ?? 0;
      if ((first & 0xf0) !== 0x80 || second > 127) {
        throw new Error(`a frame that a server without extensions does not send: ${first.toString(16)}`);
      }
      let payload = at + 2;
      let length = second;
      if (second === 126) {
        if (end - at < 4) break;
        length = bytes.readUInt16BE(at + 2);
        payload = at + 4;
      } else if (second === 127) {
        if (end - at < 10) break;
        length = Number(bytes.readBigUInt64BE(at + 2));
        payload = at + 10;
      }
      if (end - payload < length) break;
      at = payload + length;
      this.#listener(first & 0x0f, bytes, payload, at);
    }
    if (at < end) this.#rest = Buffer.from(bytes.subarray(at, end));
  }
}

/** A client's frame. Clients must mask; the mask is zero here, which leaves the payload as it is. */
export function maskedFrame(opcode: number, payload: Uint8Array): Buffer {
  if (payload.length > 65_535) throw new RangeError('the load client sends short frames only');
  const header =
    payload.length < 126
      ? [0x80 | opcode, 0x80 | payload.length]
      : [0x80 | opcode, 0x80 | 126, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([...header, 0, 0, 0, 0]), payload]);
}
