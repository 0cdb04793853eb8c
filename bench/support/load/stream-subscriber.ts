import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { randomSession } from '../../../test/support/http-wire.ts';
import { ChannelSubscriber, type SubscriberOptions } from './channel-subscriber.ts';
import { LineReader } from './line-reader.ts';

const CHUNK = Buffer.allocUnsafe(256 * 1024);
/** pusher-js gives a response up that has become longer, and asks for the next. */
const MAX_RESPONSE_CHARACTERS = 256 * 1024;
const MESSAGES = 'a'.charCodeAt(0);
const HEARTBEAT = 'h'.charCodeAt(0);
const OPEN = 'o'.charCodeAt(0);
const QUERY = 'protocol=7&client=js&version=8.6.0';
const agent = new Agent({ keepAlive: true, maxSockets: 50 });

/** The frame that a line `a["…"]` holds. */
export function frameOfLine(line: string): string {
  const [frame] = JSON.parse(line.slice(1)) as readonly string[];
  return frame ?? '';
}

/** One subscriber over HTTP streaming, as pusher-js reads it: what `Subscriber` is for WebSockets. */
export class StreamSubscriber extends ChannelSubscriber {
  readonly #isEndless: boolean;
  readonly #base: string;
  #socket: Socket;
  #lines = new LineReader(() => undefined);
  #requests = 0;

  /** @param isEndless never ask for another response, however long this one becomes */
  constructor(options: SubscriberOptions, isEndless: boolean) {
    super(options);
    this.#isEndless = isEndless;
    this.#base = `/pusher/app/${options.key}/${randomSession()}`;
    this.#socket = this.#receive();
  }

  protected send(message: string): void {
    this.#post(JSON.stringify([message]));
  }

  protected disconnect(): void {
    this.#socket.destroy();
  }

  #receive(): Socket {
    const { port } = this.options;
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
    socket.on('error', (error) => this.#failOn(socket, error));
    socket.on('close', () => this.#failOn(socket, new Error('the server closed the connection')));
    return socket;
  }

  #chunk(length: number): void {
    this.reads += 1;
    try {
      this.#lines.read(CHUNK, 0, length);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (this.#isEndless || this.#lines.characters <= MAX_RESPONSE_CHARACTERS || this.#lines.isWithinLine) return;
    const old = this.#socket;
    this.#socket = this.#receive();
    old.destroy();
  }

  #line(bytes: Buffer, start: number, end: number): void {
    const kind = bytes[start];
    if (kind === MESSAGES) this.take(bytes, start, end);
    else if (kind === HEARTBEAT) this.#post('[]');
    else if (kind !== OPEN) throw new Error(`an unexpected line: ${bytes.toString('utf8', start, end).slice(0, 200)}`);
  }

  #post(body: string): void {
    this.#requests += 1;
    const path = `${this.#base}/xhr_send?t=1&n=${this.#requests}`;
    const headers = { 'Content-Type': 'application/json' };
    const sent = request({ agent, host: '127.0.0.1', port: this.options.port, method: 'POST', path, headers });
    sent.on('response', (response) => {
      response.resume();
      if (response.statusCode !== 204) this.fail(new Error(`a send was answered ${response.statusCode}`));
    });
    sent.on('error', (error) => this.fail(error));
    sent.end(body);
  }

  /** The socket of a response that was given up may end as it likes. */
  #failOn(socket: Socket, error: Error): void {
    if (socket === this.#socket) this.fail(error);
  }
}
