import { randomInt } from 'node:crypto';

const SOCKET_ID = /^\d+\.\d+$/;

/** Every server library validates this form before it signs. */
export function isSocketId(value: unknown): value is string {
  return typeof value === 'string' && SOCKET_ID.test(value);
}

/**
 * Socket ids of one process: a random 48-bit half that no other process is likely to draw, then a counter, which makes
 * them unique within it. A signature is bound to a socket id, so the half must not be guessable from the outside.
 */
export class SocketIdSequence {
  readonly #prefix: string;
  #next: number;

  constructor() {
    this.#prefix = `${randomInt(1, 2 ** 48 - 1)}.`;
    this.#next = randomInt(1, 2 ** 30);
  }

  next(): string {
    const id = this.#prefix + this.#next;
    this.#next += 1;
    return id;
  }
}
