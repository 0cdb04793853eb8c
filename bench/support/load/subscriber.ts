import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { ChannelSubscriber, type SubscriberOptions } from './channel-subscriber.ts';
import { FrameReader, maskedFrame, OPCODE_CLOSE, OPCODE_PING, OPCODE_PONG, OPCODE_TEXT } from './frame-reader.ts';

/** All sockets are read into one buffer: each chunk is dealt with before the next is read. */
const CHUNK = Buffer.allocUnsafe(256 * 1024);

/**
 * One subscriber that speaks the Pusher protocol over a plain TCP socket, and no more of it than a benchmark needs: a
 * thousand full WebSocket clients would cost more CPU than the servers they measure.
 */
export class Subscriber extends ChannelSubscriber {
  readonly #socket: Socket;
  readonly #frames: FrameReader;
  #isUpgraded = false;
  #head = '';

  constructor(options: SubscriberOptions) {
    super(options);
    this.#frames = new FrameReader((opcode, bytes, start, end) => this.#frame(opcode, bytes, start, end));
    this.#socket = connect({
      host: '127.0.0.1',
      port: options.port,
      noDelay: true,
      onread: {
        buffer: CHUNK,
        callback: (length) => {
          this.#chunk(length);
          return true;
        },
      },
    });
    this.#socket.on('connect', () => {
      this.#socket.write(
        `GET /app/${options.key}?protocol=7&client=js&version=8.6.0&flash=false HTTP/1.1\r\n` +
          `Host: 127.0.0.1:${options.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
          `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
      );
    });
    this.#socket.on('error', (error) => this.fail(error));
    this.#socket.on('close', () => this.fail(new Error('the server closed the connection')));
  }

  protected send(message: string): void {
    this.#socket.write(maskedFrame(OPCODE_TEXT, Buffer.from(message)));
  }

  protected disconnect(): void {
    this.#socket.destroy();
  }

  #chunk(length: number): void {
    this.reads += 1;
    try {
      let start = 0;
      if (!this.#isUpgraded) {
        this.#head += CHUNK.toString('latin1', 0, length);
        const end = this.#head.indexOf('\r\n\r\n');
        if (end < 0) return;
        if (!this.#head.startsWith('HTTP/1.1 101 ')) throw new Error(`upgrade refused: ${this.#head.slice(0, 80)}`);
        start = length - (this.#head.length - (end + 4));
        this.#isUpgraded = true;
      }
      if (start < length) this.#frames.read(CHUNK, start, length);
    } catch (error) {
      this.fail(error);
    }
  }

  #frame(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode === OPCODE_TEXT) {
      this.take(bytes, start, end);
    } else if (opcode === OPCODE_PING) {
      this.#socket.write(maskedFrame(OPCODE_PONG, bytes.subarray(start, end)));
    } else if (opcode === OPCODE_CLOSE) {
      this.fail(new Error(`the server sent a close: ${end - start >= 2 ? bytes.readUInt16BE(start) : 'no code'}`));
    }
  }
}
