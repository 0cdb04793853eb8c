import type { HttpResponse as NativeResponse } from 'uWebSockets.js';
import { endWith, statusLine } from '../http-answer.ts';

export type Headers = ReadonlyArray<readonly [string, string]>;

/** The response of a request that waits for lines: here, or by way of another node. */
export interface Output {
  /** Sends the head, before there is anything to write. */
  begin(): void;
  /** False if the client does not read for now. */
  write(bytes: Buffer): boolean;
  end(bytes?: Buffer): void;
  /** Answers with an error in place of lines. */
  refuse(status: number, sentence: string): void;
  /** Cuts the client off amid the response. */
  cut(): void;
}

/** A response of this node. Its client must not have gone. */
export class NativeOutput implements Output {
  readonly #res: NativeResponse;
  readonly #headers: Headers;
  #hasBegun = false;
  #isWritable = true;
  #bytes: Buffer | undefined;

  constructor(res: NativeResponse, headers: Headers) {
    this.#res = res;
    this.#headers = headers;
  }

  begin(): void {
    if (!this.#hasBegun) this.#res.cork(() => this.#writeHead());
  }

  write(bytes: Buffer): boolean {
    this.begin();
    this.#bytes = bytes;
    this.#res.cork(this.#write);
    return this.#isWritable;
  }

  end(bytes?: Buffer): void {
    this.#res.cork(() => {
      if (!this.#hasBegun) this.#writeHead();
      if (bytes === undefined) this.#res.end();
      else endWith(this.#res, bytes);
    });
  }

  refuse(status: number, sentence: string): void {
    this.#res.cork(() => {
      this.#res.writeStatus(statusLine(status));
      this.#writeHead();
      endWith(this.#res, sentence);
    });
  }

  cut(): void {
    this.#res.close();
  }

  /** One for all writes: this is the path of every delivery. */
  readonly #write = (): void => {
    if (this.#bytes !== undefined) this.#isWritable = this.#res.write(this.#bytes);
    this.#bytes = undefined;
  };

  #writeHead(): void {
    this.#hasBegun = true;
    for (const [name, value] of this.#headers) this.#res.writeHeader(name, value);
  }
}
