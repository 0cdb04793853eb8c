import { EventEmitter } from 'node:events';
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';

/** As pusher-js gives a response up that has become longer than this, at the end of a line. */
const MAX_RESPONSE_CHARS = 256 * 1024;
const OPEN = 1;
const CLOSED = 3;

const agent = new Agent({ keepAlive: true });
const tlsAgent = new TlsAgent({ keepAlive: true, rejectUnauthorized: false });

export type HttpTransport = 'xhr_streaming' | 'xhr_polling';

export interface HttpWireOptions {
  /** `http(s)://host:port{httpPath}/app/{key}?{query}`. */
  readonly url: string;
  readonly transport: HttpTransport;
  readonly headers?: Readonly<Record<string, string>>;
  /** `{0 to 999}/{8 of 0-9a-v}`; the default is chosen at random. */
  readonly session?: string;
  /** Answer heartbeats, as every real client does. */
  readonly answersHeartbeats?: boolean;
}

/** `{0 to 999}/{8 of 0-9a-v}`, as pusher-js chooses it. */
export function randomSession(): string {
  const digit = () => Math.floor(Math.random() * 32).toString(32);
  return `${Math.floor(Math.random() * 1000)}/${Array.from({ length: 8 }, digit).join('')}`;
}

/**
 * The HTTP transports of pusher-js with the face of a WebSocket of `ws`: the events `open`, `message`, `close` and
 * `error`. Every line that comes is kept.
 */
export class HttpWire extends EventEmitter {
  readyState = 0;
  readonly lines: string[] = [];
  /** The receive requests that were made. */
  receives = 0;
  readonly #base: string;
  readonly #query: string;
  readonly #streaming: boolean;
  readonly #options: HttpWireOptions;
  #number = Math.floor(Math.random() * 1_000_000);
  #receiving: ClientRequest | undefined;

  constructor(options: HttpWireOptions) {
    super();
    const url = new URL(options.url);
    this.#base = `${url.origin}${url.pathname}/${options.session ?? randomSession()}`;
    this.#query = url.search.slice(1);
    this.#streaming = options.transport === 'xhr_streaming';
    this.#options = options;
    this.#receive();
  }

  send(text: string | Buffer): void {
    this.#send(JSON.stringify([String(text)]));
  }

  /** There is no message for it: the client goes away. */
  close(code = 1000): void {
    this.#receiving?.destroy();
    this.#end(code, '');
  }

  terminate(): void {
    this.close(1006);
  }

  #send(body: string): void {
    const request = this.#post('xhr_send', '', (response) => response.resume());
    request.on('error', () => undefined);
    request.end(body);
  }

  #post(call: string, query: string, answered: (response: IncomingMessage) => void): ClientRequest {
    this.#number += 1;
    const url = `${this.#base}/${call}?${query}${query === '' ? '' : '&'}t=${Date.now()}&n=${this.#number}`;
    const isTls = url.startsWith('https:');
    return (isTls ? tlsRequest : httpRequest)(
      url,
      {
        method: 'POST',
        agent: isTls ? tlsAgent : agent,
        headers: { 'Content-Type': 'application/json', ...this.#options.headers },
      },
      answered,
    );
  }

  #receive(): void {
    this.receives += 1;
    const request = this.#post(this.#streaming ? 'xhr_streaming' : 'xhr', this.#query, (response) =>
      this.#read(request, response),
    );
    this.#receiving = request;
    request.on('error', (error) => {
      if (this.#receiving !== request) return;
      this.emit('error', error);
      this.#end(1006, error.message);
    });
    request.end();
  }

  #read(request: ClientRequest, response: IncomingMessage): void {
    let text = '';
    let position = 0;
    response.setEncoding('utf8');
    response.on('error', () => undefined);
    response.on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\n', position); end >= 0; end = text.indexOf('\n', position)) {
        const line = text.slice(position, end);
        position = end + 1;
        if (response.statusCode === 200) this.#line(line);
      }
      if (this.#receiving === request && position === text.length && text.length > MAX_RESPONSE_CHARS) {
        this.#receiving = undefined;
        request.destroy();
        this.#receive();
      }
    });
    response.on('close', () => {
      if (this.#receiving !== request || this.readyState === CLOSED) return;
      if (!this.#streaming && response.statusCode === 200 && response.complete) this.#receive();
      else this.#end(1006, `interrupted (${response.statusCode})`);
    });
  }

  #line(line: string): void {
    if (this.readyState === CLOSED) return;
    this.lines.push(line);
    const payload = line.slice(1);
    switch (line[0]) {
      case 'o':
        if (this.readyState === OPEN) {
          this.#end(1006, 'Server lost session');
          return;
        }
        this.readyState = OPEN;
        this.emit('open');
        return;
      case 'a':
        for (const message of JSON.parse(payload) as string[]) this.emit('message', message);
        return;
      case 'h':
        if (this.#streaming && this.#options.answersHeartbeats !== false) this.#send('[]');
        return;
      case 'c': {
        const [code, reason] = JSON.parse(payload) as [number, string];
        this.#end(code, reason);
      }
    }
  }

  #end(code: number, reason: string): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.#receiving?.destroy();
    this.emit('close', code, Buffer.from(reason));
  }
}
