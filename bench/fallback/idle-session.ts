import { connect, type Socket } from 'node:net';
import { randomSession } from '../../test/support/http-wire.ts';

const QUERY = 'protocol=7&client=js&version=8.6.0';
const CHUNK = Buffer.allocUnsafe(64 * 1024);
const SUBSCRIBED = 'pusher_internal:subscription_succeeded';

/**
 * A client over HTTP that has joined a channel and waits, with no more than that takes: it answers heartbeats, polls
 * again when a poll is answered, and has one connection for its receiving and one for what it sends.
 */
export class IdleSession {
  readonly joined: Promise<void>;
  readonly #call: 'xhr_streaming' | 'xhr';
  readonly #port: number;
  readonly #base: string;
  readonly #fail: (error: Error) => void;
  #receiving: Socket;
  #sending: Socket | undefined;
  #requests = 0;
  #settle: () => void = () => undefined;
  #isClosed = false;
  #text = '';

  constructor(
    port: number,
    key: string,
    call: 'xhr_streaming' | 'xhr',
    channel: string,
    failed: (error: Error) => void,
  ) {
    this.#port = port;
    this.#call = call;
    this.#base = `/pusher/app/${key}/${randomSession()}`;
    this.#fail = failed;
    this.joined = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#receiving = this.#connect((text) => this.#received(text, channel));
    this.#receiving.write(this.#request(`${this.#call}?${QUERY}&`, ''));
  }

  close(): void {
    this.#isClosed = true;
    this.#receiving.destroy();
    this.#sending?.destroy();
  }

  #received(text: string, channel: string): void {
    this.#text += text;
    if (this.#call === 'xhr') {
      // Each answer of a poll is short and has its length in its head.
      const [head = '', body] = this.#text.split('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
      if (body === undefined || !(body.length >= length)) return;
      this.#receiving.write(this.#request(`${this.#call}?${QUERY}&`, ''));
    }
    const received = this.#text;
    if (received.includes('\nc[')) this.#fail(new Error(`a session was closed: ${received.slice(-200)}`));
    if (received.includes('pusher:connection_established')) {
      this.#send({ event: 'pusher:subscribe', data: { channel, auth: '' } });
    }
    if (received.includes(SUBSCRIBED)) {
      this.#settle();
      // The connection for sending is closed after a while by every browser, and by the server.
      this.#sending?.destroy();
      this.#sending = undefined;
    }
    if (this.#call === 'xhr_streaming' && received.endsWith('h\n\r\n')) this.#post('[]');
    if (received.endsWith('\n') || this.#call === 'xhr') this.#text = '';
  }

  #send(message: object): void {
    this.#post(JSON.stringify([JSON.stringify(message)]));
  }

  #post(body: string): void {
    const sending = this.#connect((text) => {
      if (!text.startsWith('HTTP/1.1 204')) this.#fail(new Error(`a send was answered: ${text.slice(0, 200)}`));
      sending.destroy();
    });
    this.#sending = sending;
    sending.write(this.#request('xhr_send?', body));
  }

  #request(call: string, body: string): string {
    this.#requests += 1;
    return (
      `POST ${this.#base}/${call}t=1&n=${this.#requests} HTTP/1.1\r\nHost: 127.0.0.1:${this.#port}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    );
  }

  #connect(received: (text: string) => void): Socket {
    const onread = {
      buffer: CHUNK,
      callback: (length: number) => {
        received(CHUNK.toString('latin1', 0, length));
        return true;
      },
    };
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true, onread });
    socket.on('error', (error) => {
      if (!this.#isClosed) this.#fail(error);
    });
    socket.on('close', () => {
      if (!this.#isClosed && socket === this.#receiving) this.#fail(new Error('the server closed a connection'));
    });
    return socket;
  }
}
