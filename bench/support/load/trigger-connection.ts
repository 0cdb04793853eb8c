import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface TriggerConnectionOptions {
  readonly port: number;
  /** False: a new connection for every request, as from a backend that lives for one request. */
  readonly isKeptAlive: boolean;
  /** The answer to the last request was a 200. */
  readonly onAnswer: () => void;
  /** Another status, or the connection ended. */
  readonly onFailure: (error: Error) => void;
}

/**
 * A connection to the HTTP API that has one request on its way at most, written and read as plain bytes. A server that
 * answers `Connection: close` gets a new connection for the next request, as from any backend.
 */
export class TriggerConnection {
  readonly #options: TriggerConnectionOptions;
  #socket: Socket;
  #answer = '';
  #isClosed = false;
  #isAwaiting = false;
  /** Connections opened so far: 1 if the server keeps them alive. */
  opened = 0;

  constructor(options: TriggerConnectionOptions) {
    this.#options = options;
    this.#socket = this.#open();
  }

  /** May be called before the connection stands: the request is written then. */
  send(request: Buffer): void {
    this.#isAwaiting = true;
    this.#socket.write(request);
  }

  /** Replaces the connection, which may have been cut while it was idle. Resolves once the new one stands. */
  async renew(): Promise<void> {
    const old = this.#socket;
    this.#socket = this.#open();
    old.destroy();
    await once(this.#socket, 'connect');
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #open(): Socket {
    this.opened += 1;
    const socket = connect({ host: '127.0.0.1', port: this.#options.port, noDelay: true });
    socket.setEncoding('latin1');
    socket.on('data', (text) => this.#text(String(text)));
    socket.on('error', (error) => this.#fail(error.message));
    socket.on('close', () => {
      if (socket !== this.#socket || this.#isClosed) return;
      // An idle one may be cut: `renew` comes before it is used again.
      if (this.#isAwaiting) this.#fail('the server closed a connection of the HTTP API without an answer');
    });
    return socket;
  }

  #text(text: string): void {
    this.#answer += text;
    const headEnd = this.#answer.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.#answer.slice(0, headEnd).toLowerCase();
    if (!head.startsWith('http/1.1 200')) {
      this.#fail(`a trigger was answered: ${this.#answer.slice(0, 300)}`);
      return;
    }
    const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
    if (length === undefined) {
      this.#fail('an answer to a trigger has no Content-Length');
      return;
    }
    if (this.#answer.length < headEnd + 4 + Number(length)) return;
    this.#answer = '';
    this.#isAwaiting = false;
    if (!this.#options.isKeptAlive || head.includes('\r\nconnection: close')) {
      const old = this.#socket;
      this.#socket = this.#open();
      old.destroy();
    }
    this.#options.onAnswer();
  }

  #fail(message: string): void {
    if (this.#isClosed) return;
    this.close();
    this.#options.onFailure(new Error(message));
  }
}
