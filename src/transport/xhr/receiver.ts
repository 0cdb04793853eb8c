import { bytesOf, type Line } from './lines.ts';
import type { Output } from './output.ts';
import type { WaitingLines } from './waiting-lines.ts';

/**
 * Once it has read to the end of a line and more than this, pusher-js gives a response up and asks again. So nothing
 * is written behind that line, which would be lost. (pusher-js, src/core/http/http_request.ts: MAX_BUFFER_LENGTH)
 */
const MAX_RESPONSE_CHARACTERS = 256 * 1024;
/** So much is written at once, before it is looked whether the client reads. */
const BATCH_BYTES = 16 * 1024;

/** A request of the client that waits for lines. Inert once it was aborted. */
export interface Receiver {
  readonly isStreaming: boolean;
  /** It takes no further line: the client asks again once it has read those that it was given. */
  readonly isSpent: boolean;
  /** Writes as many lines as it can now; calls `taken` with each that wants to know. */
  take(waiting: WaitingLines, taken: (line: Line) => void): void;
  /** Ends the response behind what was written. */
  end(): void;
  /** Another request has taken its place. */
  replace(): void;
  /** Cuts the client off amid the response. */
  cut(): void;
  /** The client has gone. */
  abort(): void;
}

const REPLACED = 'A newer request of the same session has taken the place of this one';

/** One response that goes on: what a turn of the event loop brings is a chunk of it. */
export class StreamingReceiver implements Receiver {
  readonly isStreaming = true;
  readonly #output: Output;
  #chars = 0;
  #writable = true;
  #over = false;

  constructor(output: Output) {
    this.#output = output;
    output.begin();
  }

  get isSpent(): boolean {
    return this.#over || this.#chars > MAX_RESPONSE_CHARACTERS;
  }

  /** What was written has been read, after a pause. */
  readable(): void {
    this.#writable = true;
  }

  take(waiting: WaitingLines, taken: (line: Line) => void): void {
    while (this.#writable && !this.isSpent && !waiting.isEmpty) {
      const lines = waiting.take(BATCH_BYTES, MAX_RESPONSE_CHARACTERS - this.#chars);
      const bytes = bytesOf(lines);
      if (bytes.length > 0) this.#writable = this.#output.write(bytes);
      for (const line of lines) {
        this.#chars += line.chars;
        if (line.asks !== undefined || line.isHeartbeat) taken(line);
      }
    }
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#output.end();
  }

  replace(): void {
    this.end();
  }

  cut(): void {
    if (this.#over) return;
    this.#over = true;
    this.#output.cut();
  }

  abort(): void {
    this.#over = true;
  }
}

/** One response that is answered, whole, as soon as there are lines. */
export class PollingReceiver implements Receiver {
  readonly isStreaming = false;
  readonly #output: Output;
  #over = false;

  constructor(output: Output) {
    this.#output = output;
  }

  get isSpent(): boolean {
    return this.#over;
  }

  take(waiting: WaitingLines, taken: (line: Line) => void): void {
    if (this.#over || waiting.isEmpty) return;
    const lines: Line[] = [];
    let chars = 0;
    for (let line = waiting.next; line !== undefined; line = waiting.next) {
      if (lines.length > 0 && chars + line.chars > MAX_RESPONSE_CHARACTERS) break;
      waiting.shift();
      lines.push(line);
      chars += line.chars;
      if (line.asks !== undefined || line.isHeartbeat) taken(line);
    }
    this.#over = true;
    this.#output.end(bytesOf(lines));
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#output.end();
  }

  replace(): void {
    if (this.#over) return;
    this.#over = true;
    this.#output.refuse(409, REPLACED);
  }

  cut(): void {
    if (this.#over) return;
    this.#over = true;
    this.#output.cut();
  }

  abort(): void {
    this.#over = true;
  }
}
