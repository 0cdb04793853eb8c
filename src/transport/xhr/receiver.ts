import type { HttpResponse as NativeResponse } from 'uWebSockets.js';
import type { Line } from './lines.ts';
import type { WaitingLines } from './waiting-lines.ts';

/**
 * Once it has read to the end of a line and more than this, pusher-js gives a response up and asks again. So nothing
 * is written behind that line, which would be lost. (pusher-js, src/core/http/http_request.ts: MAX_BUFFER_LENGTH)
 */
const MAX_RESPONSE_CHARACTERS = 256 * 1024;

export type Headers = ReadonlyArray<readonly [string, string]>;

/** A request of the client that waits for lines. Inert once its client has gone. */
export interface Receiver {
  readonly isStreaming: boolean;
  /** It takes no further line: the client asks again once it has read those that it was given. */
  readonly isSpent: boolean;
  /** Writes as many lines as it can now; calls `taken` with each. */
  take(waiting: WaitingLines, taken: (line: Line) => void): void;
  /** Ends the response behind what was written. */
  end(): void;
  /** Another request has taken its place. */
  replace(): void;
  /** Cuts the client off amid the response. */
  cut(): void;
}

const STATUS_REPLACED = '409 Conflict';
const REPLACED = 'A newer request of the same session has taken the place of this one';

function writeHead(res: NativeResponse, headers: Headers): void {
  for (const [name, value] of headers) res.writeHeader(name, value);
}

/** One response that goes on: each line is a chunk of it. */
export class StreamingReceiver implements Receiver {
  readonly isStreaming = true;
  readonly #res: NativeResponse;
  #chars = 0;
  #writable = true;
  #over = false;

  /**
   * @param writable what was written has been read, after a pause
   * @param gone the client has gone
   */
  constructor(res: NativeResponse, headers: Headers, writable: () => void, gone: () => void) {
    this.#res = res;
    res.onAborted(() => {
      this.#over = true;
      gone();
    });
    res.onWritable(() => {
      this.#writable = true;
      writable();
      return true;
    });
    res.cork(() => writeHead(res, headers));
  }

  get isSpent(): boolean {
    return this.#over || this.#chars > MAX_RESPONSE_CHARACTERS;
  }

  take(waiting: WaitingLines, taken: (line: Line) => void): void {
    if (!this.#canTake(waiting)) return;
    this.#res.cork(() => {
      while (this.#canTake(waiting)) {
        const line = waiting.shift();
        if (line === undefined) return;
        if (line.bytes.length > 0) this.#writable = this.#res.write(line.bytes);
        this.#chars += line.chars;
        taken(line);
      }
    });
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#res.cork(() => this.#res.end());
  }

  replace(): void {
    this.end();
  }

  cut(): void {
    if (this.#over) return;
    this.#over = true;
    this.#res.close();
  }

  #canTake(waiting: WaitingLines): boolean {
    return this.#writable && !this.isSpent && !waiting.isEmpty;
  }
}

/** One response that is answered, whole, as soon as there are lines. */
export class PollingReceiver implements Receiver {
  readonly isStreaming = false;
  readonly #res: NativeResponse;
  readonly #headers: Headers;
  #over = false;

  constructor(res: NativeResponse, headers: Headers, gone: () => void) {
    this.#res = res;
    this.#headers = headers;
    res.onAborted(() => {
      this.#over = true;
      gone();
    });
  }

  get isSpent(): boolean {
    return this.#over;
  }

  take(waiting: WaitingLines, taken: (line: Line) => void): void {
    if (this.#over || waiting.isEmpty) return;
    const parts: Buffer[] = [];
    let chars = 0;
    for (let line = waiting.next; line !== undefined; line = waiting.next) {
      if (parts.length > 0 && chars + line.chars > MAX_RESPONSE_CHARACTERS) break;
      waiting.shift();
      parts.push(line.bytes);
      chars += line.chars;
      taken(line);
    }
    this.#answer(parts.length === 1 ? (parts[0] ?? '') : Buffer.concat(parts));
  }

  end(): void {
    if (!this.#over) this.#answer('');
  }

  replace(): void {
    if (this.#over) return;
    this.#over = true;
    this.#res.cork(() => {
      this.#res.writeStatus(STATUS_REPLACED);
      writeHead(this.#res, this.#headers);
      this.#res.end(REPLACED);
    });
  }

  cut(): void {
    if (this.#over) return;
    this.#over = true;
    this.#res.close();
  }

  #answer(body: Buffer | string): void {
    this.#over = true;
    this.#res.cork(() => {
      writeHead(this.#res, this.#headers);
      this.#res.end(body);
    });
  }
}
