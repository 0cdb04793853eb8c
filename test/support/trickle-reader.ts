import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Test } from 'tap';
import type { Target } from './target.ts';
import { within } from './wait.ts';

/** A WebSocket that takes from the network as many bytes as it is told to, and not one more. */
export class TrickleReader {
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  readonly #ended: Promise<unknown>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#ended = once(socket, 'close');
    socket.on('error', () => undefined);
  }

  /** Upgrades and subscribes to a public channel; reads nothing. */
  static async subscribe(t: Test, target: Target, channel: string): Promise<TrickleReader> {
    const { hostname, port } = new URL(target.origin);
    const socket = connect(Number(port), hostname);
    t.teardown(() => socket.destroy());
    const reader = new TrickleReader(socket);
    await within(once(socket, 'connect'), 'a TCP connection');
    socket.write(
      `GET /app/${target.key}?protocol=7 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    // What is sent before the answer to the upgrade may be lost.
    await within(once(socket, 'readable'), 'the answer to the upgrade');
    const text = Buffer.from(JSON.stringify({ event: 'pusher:subscribe', data: { channel } }));
    // Masked, as a client's frames must be, by zeros.
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
    return reader;
  }

  /** Takes up to so many bytes of what has come. */
  take(bytes: number): void {
    const chunk = (this.#socket.read(bytes) ?? this.#socket.read()) as Buffer | null;
    if (chunk !== null) this.#chunks.push(chunk);
  }

  /**
   * Takes everything until the server ends the connection; then returns the messages and the close code, if one came.
   */
  async rest(limitMs: number): Promise<{ messages: string[]; closeCode: number | undefined }> {
    this.#socket.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    await within(this.#ended, 'the end of the connection', limitMs);
    return parsed(Buffer.concat(this.#chunks));
  }
}

function parsed(bytes: Buffer): { messages: string[]; closeCode: number | undefined } {
  const messages: string[] = [];
  let closeCode: number | undefined;
  let at = bytes.indexOf('\r\n\r\n') + 4;
  while (at + 10 <= bytes.length) {
    const opcode = bytes.readUInt8(at) & 0x0f;
    const short = bytes.readUInt8(at + 1);
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : bytes.readUInt32BE(at + 6);
    const body = bytes.subarray(at + head, at + head + length);
    if (body.length < length) break;
    if (opcode === 1) messages.push(body.toString('utf8'));
    if (opcode === 8) closeCode = body.readUInt16BE(0);
    at += head + length;
  }
  return { messages, closeCode };
}
