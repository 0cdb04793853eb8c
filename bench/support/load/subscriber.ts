import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { FrameReader, maskedFrame, OPCODE_CLOSE, OPCODE_PING, OPCODE_PONG, OPCODE_TEXT } from './frame-reader.ts';

/** Called for each frame of text after the subscription succeeded. */
export type DeliveryListener = (bytes: Buffer, start: number, end: number) => void;

export interface SubscriberOptions {
  readonly port: number;
  readonly key: string;
  readonly channel: string;
  readonly onDelivery: DeliveryListener;
  /** The connection ended or sent what it must not: the run is over. */
  readonly onFailure: (error: Error) => void;
}

/** All sockets are read into one buffer: each chunk is dealt with before the next is read. */
const CHUNK = Buffer.allocUnsafe(256 * 1024);
const PONG = Buffer.from('"pusher:pong"');

/**
 * One subscriber that speaks the Pusher protocol over a plain TCP socket, and no more of it than a benchmark needs: a
 * thousand full WebSocket clients would cost more CPU than the servers they measure.
 */
export class Subscriber {
  readonly #options: SubscriberOptions;
  readonly #socket: Socket;
  readonly #frames: FrameReader;
  #state: 'upgrade' | 'handshake' | 'subscribing' | 'live' | 'barrier' | 'closed' = 'upgrade';
  #head = '';
  #settle: (() => void) | undefined;
  /** Reads from the socket so far: a server that puts several frames into one write needs fewer. */
  reads = 0;

  constructor(options: SubscriberOptions) {
    this.#options = options;
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
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  /** Resolves once the subscription has succeeded. Failures go to `onFailure`. */
  ready(): Promise<void> {
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Resolves once everything that the server had sent before has arrived: its answer to a ping comes after it. */
  barrier(): Promise<void> {
    this.#state = 'barrier';
    this.#send('{"event":"pusher:ping","data":{}}');
    return this.ready();
  }

  close(): void {
    this.#state = 'closed';
    this.#socket.destroy();
  }

  #chunk(length: number): void {
    this.reads += 1;
    try {
      let start = 0;
      if (this.#state === 'upgrade') {
        this.#head += CHUNK.toString('latin1', 0, length);
        const end = this.#head.indexOf('\r\n\r\n');
        if (end < 0) return;
        if (!this.#head.startsWith('HTTP/1.1 101 ')) throw new Error(`upgrade refused: ${this.#head.slice(0, 80)}`);
        start = length - (this.#head.length - (end + 4));
        this.#state = 'handshake';
      }
      if (start < length) this.#frames.read(CHUNK, start, length);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #frame(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode === OPCODE_TEXT) {
      if (this.#state === 'live') this.#options.onDelivery(bytes, start, end);
      else this.#control(bytes, start, end);
    } else if (opcode === OPCODE_PING) {
      this.#socket.write(maskedFrame(OPCODE_PONG, bytes.subarray(start, end)));
    } else if (opcode === OPCODE_CLOSE) {
      this.#fail(new Error(`the server sent a close: ${end - start >= 2 ? bytes.readUInt16BE(start) : 'no code'}`));
    }
  }

  #control(bytes: Buffer, start: number, end: number): void {
    if (this.#state === 'barrier') {
      if (!bytes.subarray(start, end).includes(PONG)) this.#options.onDelivery(bytes, start, end);
      else this.#settled();
      return;
    }
    const text = bytes.toString('utf8', start, end);
    const message: unknown = JSON.parse(text);
    const event = typeof message === 'object' && message !== null && 'event' in message ? message.event : undefined;
    if (this.#state === 'handshake' && event === 'pusher:connection_established') {
      this.#state = 'subscribing';
      this.#send(JSON.stringify({ event: 'pusher:subscribe', data: { auth: '', channel: this.#options.channel } }));
    } else if (this.#state === 'subscribing' && event === 'pusher_internal:subscription_succeeded') {
      this.#settled();
    } else {
      throw new Error(`unexpected while ${this.#state}: ${text.slice(0, 200)}`);
    }
  }

  #settled(): void {
    this.#state = 'live';
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.();
  }

  #send(text: string): void {
    this.#socket.write(maskedFrame(OPCODE_TEXT, Buffer.from(text)));
  }

  #fail(error: Error): void {
    if (this.#state === 'closed') return;
    this.close();
    this.#options.onFailure(error);
  }
}
