import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { ServerUrl } from '../server-url.ts';

export type Opened =
  | { readonly outcome: 'open'; readonly socket: ProbeSocket }
  /** No upgrade: an answer of HTTP. */
  | { readonly outcome: 'answered'; readonly status: number }
  | { readonly outcome: 'failed'; readonly error: unknown };

/** Opens a WebSocket by hand, so that an answer other than 101 can be told. */
export async function openWebSocket(url: ServerUrl, appKey: string, limitMs: number): Promise<Opened> {
  const { hostname, port, tls, pathPrefix } = url;
  return await new Promise<Opened>((resolve) => {
    const request = (tls ? httpsRequest : httpRequest)({
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port,
      path: `${pathPrefix}/app/${appKey}?protocol=7&client=doctor&version=1`,
      timeout: limitMs,
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      },
    });
    request.on('upgrade', (_, socket, head) => resolve({ outcome: 'open', socket: new ProbeSocket(socket, head) }));
    request.on('response', (response) => {
      response.resume();
      resolve({ outcome: 'answered', status: response.statusCode ?? 0 });
      request.destroy();
    });
    request.on('timeout', () => request.destroy(new DOMException('it did not answer in time', 'TimeoutError')));
    request.on('error', (error) => resolve({ outcome: 'failed', error }));
    request.end();
  });
}

const TEXT = 0x81;

/** As much of a WebSocket as it takes to see the first message, and then for how long silence is suffered. */
class ProbeSocket {
  readonly #socket: Duplex;
  #bytes: Buffer;
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(socket: Duplex, head: Buffer) {
    this.#socket = socket;
    this.#bytes = head;
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    for (const event of ['close', 'end', 'error'] as const) {
      socket.on(event, () => {
        this.#closed = true;
        this.#wake();
      });
    }
  }

  /** The first text message; what came of it if it did not come whole. */
  async message(limitMs: number): Promise<string> {
    await this.#until(() => this.#firstText() !== undefined, limitMs);
    return this.#firstText() ?? '';
  }

  /** Says nothing until the server does, somebody closes, or the time is up. */
  async silence(limitMs: number): Promise<{ readonly end: 'spoken' | 'closed' | 'time'; readonly afterMs: number }> {
    const before = this.#bytes.length;
    const begun = performance.now();
    await this.#until(() => this.#bytes.length > before, limitMs);
    const afterMs = performance.now() - begun;
    // A close frame and the end of the connection come together.
    const isClose = this.#bytes[before] === 0x88;
    return { end: this.#closed || isClose ? 'closed' : this.#bytes.length > before ? 'spoken' : 'time', afterMs };
  }

  end(): void {
    this.#socket.destroy();
  }

  #firstText(): string | undefined {
    if (this.#bytes[0] !== TEXT || this.#bytes.length < 2) return undefined;
    const short = (this.#bytes[1] ?? 0) & 0x7f;
    if (short === 126 && this.#bytes.length < 4) return undefined;
    const [from, length] = short === 126 ? [4, this.#bytes.readUInt16BE(2)] : [2, short];
    return this.#bytes.length < from + length ? undefined : this.#bytes.toString('utf8', from, from + length);
  }

  async #until(holds: () => boolean, limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
      this.#wake = () => {
        if (holds() || this.#closed) resolve();
      };
      this.#wake();
    });
    clearTimeout(timer);
    this.#wake = () => undefined;
  }
}
