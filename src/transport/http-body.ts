import type { HttpResponse as NativeResponse } from 'uWebSockets.js';
import type { HttpResponse } from '../core/contracts/http.ts';
import type { ArrivingBody, BodyBound, BodyBudget } from './body-budget.ts';

/** What bounds a body before anyone has asked who sends it. */
export interface BodyLimits {
  /** For this body. */
  readonly maxBytes: number;
  /** For all bodies that this node is receiving. */
  readonly budget: BodyBudget;
  /** From its first byte to its last. */
  readonly timeoutSeconds: number;
  /** Asked once if it does not come whole: the answer that refuses whoever sends it, before it takes memory. */
  readonly refusal: () => HttpResponse | undefined;
}

/**
 * So many chunks may be as small as they like; beyond that they must be of this size on average, as each costs its
 * time.
 */
const MAX_SMALL_CHUNKS = 512;
const MIN_CHUNK_BYTES = 64;

const FIRST_BYTES = 4096;

const NO_BODY = Buffer.alloc(0);

/** A body, the answer that refuses it, or the word that its connection is to be cut. */
export type ReceivedBody = Buffer | HttpResponse | 'cut';

/**
 * Reads a request's body into one piece of memory that grows with it, within `limits`. Calls back once: with the
 * body, or with the answer that refuses it, after which the connection is to be closed. Not for an aborted request,
 * for which the caller calls `end`, as it does once the request has been answered.
 */
export class HttpBody implements ArrivingBody {
  readonly #limits: BodyLimits;
  #done: ((body: ReceivedBody) => void) | undefined;
  #buffer: Buffer | undefined;
  #sizeBytes = 0;
  #chunks = 0;
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #refusal: HttpResponse | undefined;

  private constructor(limits: BodyLimits, done: (body: ReceivedBody) => void) {
    this.#limits = limits;
    this.#done = done;
  }

  static read(res: NativeResponse, limits: BodyLimits, done: (body: ReceivedBody) => void): HttpBody {
    const body = new HttpBody(limits, done);
    res.onData((chunk, isLast) => body.#take(chunk, isLast));
    return body;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Gives back what the body holds: once it has been answered, or if the client has gone. May be called again. */
  end(): void {
    this.#done = undefined;
    this.#letGo();
  }

  giveWay(): void {
    this.#refuse({ status: 503, body: 'Too many request bodies are under way: send this one again' }, 'body-bytes');
  }

  #take(chunk: ArrayBuffer, isLast: boolean): void {
    // What still comes after a refusal goes by until the connection is closed.
    if (this.#done === undefined) return;
    this.#chunks += 1;
    const sizeBytes = this.#sizeBytes + chunk.byteLength;
    if (this.#chunks > MAX_SMALL_CHUNKS && sizeBytes < this.#chunks * MIN_CHUNK_BYTES) {
      this.#cut();
      return;
    }
    if (this.#refusal !== undefined) {
      this.#sizeBytes = sizeBytes;
      if (isLast) this.#answer();
      return;
    }
    const { maxBytes, refusal } = this.#limits;
    if (sizeBytes > maxBytes)
      this.#refuse({ status: 413, body: `The body is larger than ${maxBytes} bytes` }, 'body-size');
    else if (this.#chunks === 1 && !isLast) this.#refuse(refusal());
    if (this.#refusal !== undefined) {
      if (isLast) this.#answer();
      return;
    }
    const whole = isLast && this.#buffer === undefined;
    if (!this.#hold(whole ? sizeBytes : Math.max(FIRST_BYTES, sizeBytes))) {
      this.giveWay();
      if (isLast) this.#answer();
      return;
    }
    // The native memory is gone after this call, so each way copies.
    if (whole) {
      this.#finish(Buffer.from(Buffer.from(chunk)));
      return;
    }
    this.#append(chunk, sizeBytes);
    if (isLast) this.#finish(this.#buffer?.subarray(0, sizeBytes) ?? NO_BODY);
    else this.#keepArriving();
  }

  /** Takes memory for so many bytes in all, and twice that if it has to grow; false if there is none. */
  #hold(sizeBytes: number): boolean {
    if (sizeBytes <= this.#heldBytes) return true;
    const { maxBytes, budget } = this.#limits;
    const bytes = this.#heldBytes === 0 ? sizeBytes : Math.min(maxBytes, sizeBytes * 2);
    if (!budget.take(this, bytes - this.#heldBytes)) return false;
    this.#heldBytes = bytes;
    return true;
  }

  #append(chunk: ArrayBuffer, sizeBytes: number): void {
    const before = this.#buffer;
    if (before === undefined || before.length < sizeBytes) {
      this.#buffer = Buffer.allocUnsafeSlow(this.#heldBytes);
      before?.copy(this.#buffer, 0, 0, this.#sizeBytes);
    }
    this.#buffer?.set(new Uint8Array(chunk), this.#sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  #keepArriving(): void {
    if (this.#timer !== undefined) return;
    this.#limits.budget.arriving(this);
    const { timeoutSeconds } = this.#limits;
    this.#timer = setTimeout(() => {
      this.#refuse({ status: 408, body: `The body did not arrive within ${timeoutSeconds} s` }, 'body-time');
    }, timeoutSeconds * 1000);
  }

  #stopArriving(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#limits.budget.arrived(this);
  }

  /**
   * No answer: it would only be sent once all that has been received is through, and uWebSockets.js hands over each
   * further chunk of that, a hundred thousand of them at once.
   */
  #cut(): void {
    this.#limits.budget.refused('body-chunks');
    const done = this.#done;
    this.end();
    done?.('cut');
  }

  /**
   * Answered at the end of this turn, after what has been received of it has gone by: if that is in small chunks, the
   * connection is cut instead.
   */
  #refuse(refusal: HttpResponse | undefined, bound?: BodyBound): void {
    if (refusal === undefined || this.#done === undefined) return;
    if (bound !== undefined) this.#limits.budget.refused(bound);
    this.#refusal = refusal;
    this.#letGo();
    setImmediate(() => this.#answer());
  }

  #answer(): void {
    const done = this.#done;
    if (done === undefined || this.#refusal === undefined) return;
    this.end();
    done(this.#refusal);
  }

  #letGo(): void {
    this.#stopArriving();
    this.#buffer = undefined;
    this.#limits.budget.giveBack(this.#heldBytes);
    this.#heldBytes = 0;
  }

  #finish(body: Buffer): void {
    const done = this.#done;
    this.#done = undefined;
    this.#stopArriving();
    done?.(body);
  }
}
