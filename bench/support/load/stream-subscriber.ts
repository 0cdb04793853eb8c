import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { randomSession } from '../../../test/support/http-wire.ts';
import { LineReader } from './line-reader.ts';
import type { SubscriberOptions } from './subscriber.ts';

const CHUNK = Buffer.allocUnsafe(256 * 1024);
/** pusher-js gives a response up that has become longer, and asks for the next. */
const MAX_RESPONSE_CHARACTERS = 256 * 1024;
const MESSAGES = 'a'.charCodeAt(0);
const HEARTBEAT = 'h'.charCodeAt(0);
const PONG = Buffer.from('pusher:pong');
const QUERY = 'protocol=7&client=js&version=8.6.0';
const agent = new Agent({ keepAlive: true, maxSockets: 50 });

/** The frame that a line `a["…"]` holds. */
export function frameOfLine(line: string): string {
  const [frame] = JSON.parse(line.slice(1)) as readonly string[];
  return frame ?? '';
}

/** One subscriber over HTTP streaming, as pusher-js reads it: what `Subscriber` is for WebSockets. */
export class StreamSubscriber {
  readonly #options: SubscriberOptions;
  readonly #isEndless: boolean;
  readonly #base: string;
  #socket: Socket;
  #lines = new LineReader(() => undefined);
  #state: 'opening' | 'subscribing' | 'live' | 'barrier' | 'closed' = 'opening';
  #settle: (() => void) | undefined;
  #requests = 0;
  reads = 0;

  /** @param isEndless never ask for another response, however long this one becomes */
  constructor(options: SubscriberOptions, isEndless: boolean) {
    this.#options = options;
    this.#isEndless = isEndless;
    this.#base = `/pusher/app/${options.key}/${randomSession()}`;
    this.#socket = this.#receive();
  }

  ready(): Promise<void> {
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  barrier(): Promise<void> {
    this.#state = 'barrier';
    this.#send('{"event":"pusher:ping","data":{}}');
    return this.ready();
  }

  close(): void {
    this.#state = 'closed';
    this.#socket.destroy();
  }

  #receive(): Socket {
    const { port } = this.#options;
    const lines = new LineReader((bytes, start, end) => this.#line(bytes, start, end));
    this.#lines = lines;
    const onread = {
      buffer: CHUNK,
      callback: (length: number) => {
        if (lines === this.#lines) this.#chunk(length);
        return true;
      },
    };
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, onread });
    socket.on('connect', () => {
      this.#requests += 1;
      socket.write(
        `POST ${this.#base}/xhr_streaming?${QUERY}&t=1&n=${this.#requests} HTTP/1.1\r\n` +
          `Host: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n`,
      );
    });
    socket.on('error', (error) => this.#fail(socket, error));
    socket.on('close', () => this.#fail(socket, new Error('the server closed the connection')));
    return socket;
  }

  #chunk(length: number): void {
    this.reads += 1;
    try {
      this.#lines.read(CHUNK, 0, length);
    } catch (error) {
      this.#fail(this.#socket, error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (this.#isEndless || this.#lines.characters <= MAX_RESPONSE_CHARACTERS || this.#lines.isWithinLine) return;
    const old = this.#socket;
    this.#socket = this.#receive();
    old.destroy();
  }

  #line(bytes: Buffer, start: number, end: number): void {
    if (bytes[start] === HEARTBEAT) this.#post('[]');
    else if (bytes[start] === MESSAGES && this.#state === 'live') this.#options.onDelivery(bytes, start, end);
    else this.#control(bytes, start, end);
  }

  #control(bytes: Buffer, start: number, end: number): void {
    if (this.#state === 'barrier') {
      if (!bytes.subarray(start, end).includes(PONG)) this.#options.onDelivery(bytes, start, end);
      else this.#settled();
      return;
    }
    const line = bytes.toString('utf8', start, end);
    if (line === 'o') return;
    if (this.#state === 'opening' && line.includes('pusher:connection_established')) {
      this.#state = 'subscribing';
      this.#send(JSON.stringify({ event: 'pusher:subscribe', data: { auth: '', channel: this.#options.channel } }));
    } else if (this.#state === 'subscribing' && line.includes('pusher_internal:subscription_succeeded')) {
      this.#settled();
    } else {
      throw new Error(`unexpected while ${this.#state}: ${line.slice(0, 200)}`);
    }
  }

  #settled(): void {
    this.#state = 'live';
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.();
  }

  #send(message: string): void {
    this.#post(JSON.stringify([message]));
  }

  #post(body: string): void {
    this.#requests += 1;
    const path = `${this.#base}/xhr_send?t=1&n=${this.#requests}`;
    const headers = { 'Content-Type': 'application/json' };
    const sent = request({ agent, host: '127.0.0.1', port: this.#options.port, method: 'POST', path, headers });
    sent.on('response', (response) => {
      response.resume();
      if (response.statusCode !== 204)
        this.#fail(this.#socket, new Error(`a send was answered ${response.statusCode}`));
    });
    sent.on('error', (error) => this.#fail(this.#socket, error));
    sent.end(body);
  }

  #fail(socket: Socket, error: Error): void {
    if (this.#state === 'closed' || socket !== this.#socket) return;
    this.close();
    this.#options.onFailure(error);
  }
}
