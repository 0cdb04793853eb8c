import type { Output } from './output.ts';

/** A part of a response that one node has and another writes. In order, from 1. */
export interface RelayedPart {
  readonly number: number;
  readonly text?: string;
  readonly ends?: boolean;
  /** An error in place of lines. */
  readonly status?: number;
  /** Cut the client off. */
  readonly cut?: boolean;
}

/** At the node that has the session: the response of a request that another node was sent. */
export class RelayedOutput implements Output {
  readonly #send: (part: RelayedPart) => void;
  #number = 0;

  constructor(send: (part: RelayedPart) => void) {
    this.#send = send;
  }

  begin(): void {
    // Its head is the other node's to write.
  }

  /** What waits at the other node is bounded by the length of one response. */
  write(bytes: Buffer): boolean {
    this.#part({ text: bytes.toString() });
    return true;
  }

  end(bytes?: Buffer): void {
    this.#part({ text: bytes?.toString() ?? '', ends: true });
  }

  refuse(status: number, text: string): void {
    this.#part({ status, text, ends: true });
  }

  cut(): void {
    this.#part({ cut: true });
  }

  #part(part: Omit<RelayedPart, 'number'>): void {
    this.#number += 1;
    this.#send({ number: this.#number, ...part });
  }
}

/** At the node that was sent the request: writes what the one that has the session tells it. */
export class RelayedResponse {
  /** The node that has the session, once it is known. */
  holder: string | undefined;
  readonly #output: Output;
  #received = 0;
  #isOver = false;

  constructor(output: Output) {
    this.#output = output;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** False if a part is missing: the client is then cut off, as nothing may be lost in silence. */
  take({ number, text = '', ends = false, status, cut = false }: RelayedPart): boolean {
    if (this.#isOver) return true;
    this.#received += 1;
    const isWhole = number === this.#received;
    if (!isWhole || cut) this.cut();
    else if (status !== undefined) this.#end(() => this.#output.refuse(status, text));
    else if (ends) this.#end(() => this.#output.end(Buffer.from(text)));
    else this.#output.write(Buffer.from(text));
    return isWhole;
  }

  refuse(status: number, sentence: string): void {
    if (!this.#isOver) this.#end(() => this.#output.refuse(status, sentence));
  }

  cut(): void {
    if (!this.#isOver) this.#end(() => this.#output.cut());
  }

  /** The client has gone. */
  abort(): void {
    this.#isOver = true;
  }

  #end(end: () => void): void {
    this.#isOver = true;
    end();
  }
}
